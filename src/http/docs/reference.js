// The page behind /docs: Swagger UI over this service's own contract.
const main = document.querySelector('main')
const button = document.querySelector('button')
const status = document.querySelector('output')
// The path of this page without `docs`.
const base = new URL('.', location.href)
const contract = await (await fetch(new URL('openapi.json', base))).json()

/** The example values of every request body. */
const bodyExamples = ({ paths }) =>
  Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
    .flatMap(({ examples = {} }) => Object.values(examples))
    .map(({ value }) => value)

/** @param {string} [token] filled in as the bearer, and wherever a body names a token */
function show(token) {
  const spec = structuredClone(contract)
  // Requests go to the service that served this page, whatever servers the document names.
  spec.servers = [{ url: base.href.replace(/\/$/, '') }]
  if (token !== undefined)
    for (const value of bodyExamples(spec)) if (value.token !== undefined) value.token = token
  const node = document.createElement('div')
  main.replaceChildren(node)
  const ui = globalThis.SwaggerUIBundle({
    domNode: node,
    spec,
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    onComplete: () => token !== undefined && ui.preauthorizeApiKey('bearer', token),
  })
}

button?.addEventListener('click', async () => {
  button.disabled = true
  try {
    const answer = await fetch(new URL('docs/token', base), { method: 'POST' })
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`)
    const { token } = await answer.json()
    show(token)
    status.textContent = 'A fresh token is filled in: open an operation and press Execute.'
  } catch (error) {
    status.textContent = `No token: ${error.message}.`
  } finally {
    button.disabled = false
  }
})

show()
