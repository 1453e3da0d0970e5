import { expect } from 'chai'
import { parseRedisUrl } from '../../src/config/redis.js'

describe('the address of Redis', () => {
  it('a plain URL: one host, a port of its own or 6379, user and password, a database', () => {
    expect(parseRedisUrl('redis://127.0.0.1')).to.deep.include({
      topology: { kind: 'plain' },
      isTls: false,
      nodes: [{ host: '127.0.0.1', port: 6379 }],
      credentials: {},
      database: 0,
    })
    expect(parseRedisUrl('rediss://u:p%40w@[::1]:7000/3')).to.deep.include({
      isTls: true,
      nodes: [{ host: '::1', port: 7000 }],
      credentials: { username: 'u', password: 'p@w' },
      database: 3,
    })
  })

  it('sentinels: a list, the name of the primary, a database; a comma in a password is no list', () => {
    expect(
      parseRedisUrl('rediss+sentinel://u:a%2Cb,c@s-1:1,[::1]:2,s-3:3/my-main/4'),
    ).to.deep.include({
      topology: { kind: 'sentinel', primaryName: 'my-main' },
      isTls: true,
      nodes: [
        { host: 's-1', port: 1 },
        { host: '::1', port: 2 },
        { host: 's-3', port: 3 },
      ],
      credentials: { username: 'u', password: 'a,b,c' },
      database: 4,
    })
  })

  it('a cluster: a list, and nothing after it', () => {
    expect(parseRedisUrl('redis+cluster://:p@n-1:7000,n-2:7001')).to.deep.include({
      topology: { kind: 'cluster' },
      nodes: [
        { host: 'n-1', port: 7000 },
        { host: 'n-2', port: 7001 },
      ],
      credentials: { password: 'p' },
    })
  })

  const wrong: [url: string, fault: RegExp][] = [
    ['http://h:1', /redis\+cluster:\/\//],
    ['redis+other://h:1', /redis\+cluster:\/\//],
    ['redis://a:1,b:2', /of one host/],
    ['redis://', /must be a redis:/],
    ['redis://h:0', /must be a redis:/],
    ['redis://h:70000', /must be a redis:/],
    ['redis+sentinel://s1:1,s2/main', /host:port.*address 2 is none/],
    ['redis+sentinel://s1:1,,s2:2/main', /address 2 is none/],
    ['redis+sentinel://s1:1,S1:1/main', /address 2 is there twice/],
    ['redis+sentinel://s1:1', /name of the primary/],
    ['redis+sentinel://s1:1/', /name of the primary/],
    ['redis+sentinel://s1:1/main/x', /name of the primary/],
    ['redis+sentinel://s1:1/%zz', /percent-encoded/],
    ['redis+cluster://n:1/0', /one database/],
    ['redis+cluster://:p%zz@n:1', /percent-encoded/],
    ['redis+cluster://[::zz]:1', /address 1 is none/],
  ]
  it('faults of every part, which quote nothing: a password may stand anywhere', () => {
    for (const [url, fault] of wrong) expect(() => parseRedisUrl(url), url).to.throw(fault)
    for (const url of ['redis+sentinel://:se/cret@h:1/m', 'redis+cluster://secret:x,h:1'])
      expect(() => parseRedisUrl(url), url)
        .to.throw()
        .with.property('message')
        .that.does.not.match(/cret/)
  })
})
