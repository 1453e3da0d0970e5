/** What a probe may need of the configuration. */
export type Need =
  'secondAddress' | 'otherLogin' | 'refresh' | 'connection' | 'sign' | 'store' | 'restart'

/** The answer to one request. A request without an answer has the status 0. */
export type Answer = Readonly<{
  status: number
  headers: Headers
  /** In words, for the report: `status 401`, `no answer within 5000 ms`. */
  said: string
  /** Status 2xx and, where the configuration names one, the text that a user sees. */
  isIn: boolean
}>

/** The tokens of one login. */
export type Login = Readonly<{
  /** The access token. */
  token: string
  refreshToken: string | undefined
  /** Further JWTs of the answer, such as an ID token. */
  others: readonly string[]
}>

/** An open WebSocket or event stream. */
export type Connection = Readonly<{
  isOpen(): boolean
  /** Resolves when the other side has closed it. */
  closed: Promise<void>
  close(): void
}>

/** A protected address. The label shows no token and no query. */
export type Address = Readonly<{ index: number; label: string }>

/** What two tokens and a logout were told while the store was stopped. */
export type Outage = Readonly<{
  /** Answers to a token that was logged out before, at every address. */
  toEnded: readonly Asked[]
  /** Answers to a token that is good, at every address. */
  toGood: readonly Asked[]
  /** The answer to a logout, and what its token was told right after it. */
  logout: Answer
  afterLogout: readonly Asked[]
}>
export type Asked = Readonly<{ address: Address; answer: Answer }>

/** What the same tokens were told after the store was started again. */
export type Recovery = Readonly<{
  toEnded: readonly Asked[]
  toLoggedOut: readonly Asked[]
}>

/** Times of the configuration, in milliseconds. */
export type Times = Readonly<{
  /** The longest wait for one answer. */
  answerMs: number
  /** How long after a logout an address may still let its token in. */
  delayMs: number
  /** How long a logged-out token is watched, in case its entry ends early. */
  watchMs: number
  /** How long answers are watched while the store is stopped. */
  outageMs: number
}>

/** The login, logout and protected addresses of the configuration, as probes use them. */
export type Target = Readonly<{
  addresses: readonly [Address, ...Address[]]
  times: Times
  /** Whether the logout request names the token a second time, in its body or address. */
  namesTokenTwice: boolean
  /** The origin whose pages log out, where the configuration names one. */
  origin: string | undefined
  lacks(need: Need): boolean
  /** A token that no earlier login had. */
  login(): Promise<Login>
  loginAsOther(): Promise<Login>
  /** `named` stands in the body and the address of the request in the place of the token. */
  logout(token: string, named?: string): Promise<Answer>
  ask(address: Address, token: string): Promise<Answer>
  refresh(login: Login): Promise<Login | Answer>
  /** Resolves when it is open, or with the answer that refuses it. */
  connect(token: string): Promise<Connection | Answer>
  sign(claims: JsonObject, header: JsonObject): Promise<string>
  /** A preflight request of the Fetch standard to the logout address. */
  preflight(origin: string): Promise<Answer>
  /** Stops the store, once for all probes. */
  outage(): Promise<Outage>
  /** Starts the store again, once for all probes, and waits for a good token to be let in. */
  recovery(): Promise<Recovery>
  pause(ms: number): Promise<void>
  /** A remark of the report that is no failure. */
  note(text: string): void
}>

export type JsonObject = Readonly<Record<string, unknown>>
