/**
 * Requests as attackers write them, byte for byte on bare sockets, against a running demo. Every vector of
 * `raw-requests.json` has one expectation here, by the words that the file itself uses for it.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { gatehouse, type RunningDemo, startDemo } from '../lab/gatehouse.ts'
import type { HttpClient } from '../lab/http-client.ts'
import { exchangeRaw, type RawAnswer, type RawExchange } from '../lab/raw-connection.ts'
import { type Seen, seenBy, signedIn } from '../lab/round-trip.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

interface Vector {
  readonly id: string
  readonly desc: string
  readonly expect: string
  readonly spoof?: string
  readonly rawB64: string
}

const { tests: vectors } = JSON.parse(
  readFileSync(new URL('../vectors/raw-requests.json', import.meta.url), 'utf8'),
) as { tests: Vector[] }

const forged = 'administrator@example.test'
const longestAnswer = 2_000
let demo: RunningDemo
let alice: HttpClient
let port: number
let host: string
let cookieName: string
let cookieValue: string
/** Method and target of what reached the pass-through application that this test itself serves. */
let reached: string[] = []

const recorder = createServer((request: IncomingMessage, response) => {
  reached.push(`${request.method} ${request.url}`)
  request.resume()
  response.end('recorded')
})

t.before(async () => {
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve))
  demo = await startDemo(temporaryFolder(t))
  port = Number(new URL(demo.url('CRM')).port)
  host = new URL(demo.url('CRM')).host
  await gatehouse([
    ...[
      'app',
      'publish',
      '--config',
      demo.configurationFile,
      '--name',
      'Recorder',
      '--preauthentication',
      'pass-through',
    ],
    ...['--external-url', `http://recorder.contoso.localhost:${port}/`],
    ...['--backend-url', `http://recorder.backend.localhost:${(recorder.address() as AddressInfo).port}/`],
  ])
  alice = await signedIn(demo.url('CRM'), 'alice@contoso.test')
  const cookies = alice.jar.all(new URL(demo.url('CRM')))
  ;[cookieName = '', cookieValue = ''] = Object.entries(cookies).find(([name]) => /^EdgeAccessCookie/.test(name)) ?? []
})
t.after(async () => {
  await demo?.program.stop()
  recorder.closeAllConnections()
  recorder.close()
})

/** The vector for a host of ours; with the signed-in person's cookie where it has a place for one. */
function bytesOf(vector: Vector, changes: (text: string) => string = (text) => text, to = host): Buffer {
  const text = Buffer.from(vector.rawB64, 'base64')
    .toString('latin1')
    .replaceAll('{COOKIE}', `${cookieName}=${cookieValue}`)
    .replaceAll('APP.EXAMPLE.TEST', to.toUpperCase())
    // A port of the vector's own stays; where it names none, ours belongs there.
    .replaceAll(/app\.example\.test(?=:)/g, to.replace(/:\d+$/, ''))
    .replaceAll('app.example.test', to)
  return Buffer.from(changes(text), 'latin1')
}

const send = (bytes: Uint8Array, answers = 1): Promise<RawExchange> => exchangeRaw(bytes, { port, answers })
const withCookie = (text: string) => text.replace('\r\n\r\n', `\r\nCookie: ${cookieName}=${cookieValue}\r\n\r\n`)
const asJson = (text: string) => text.replace('\r\n\r\n', '\r\nAccept: application/json\r\n\r\n')
const sentinel = () => `GET /robots.txt HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const isSentinel = (answer: RawAnswer | undefined) =>
  answer?.status === 200 && answer.body.toString() === 'User-agent: *\nDisallow: /\n'
const closes = (answer: RawAnswer | undefined) => answer?.header('connection') === 'close'
const seen = (answer: RawAnswer | undefined): Seen => JSON.parse(answer?.body.toString('utf8') ?? '')

function describe({ answers, closed, received }: RawExchange): string {
  const statuses = answers.map(({ status }) => status).join(', ')
  return `answers: ${statuses || 'none'}${closed ? ', closed' : ''}; ${received.subarray(0, 300).toString('latin1')}`
}

/** A refusal in the words of the vectors: no answer but 400, and the connection is over. */
function isRefused({ answers, closed }: RawExchange, ...also: number[]): boolean {
  const [answer, ...more] = answers
  return more.length === 0 && (answer === undefined ? closed : [400, ...also].includes(answer.status))
}

/** Sent to the federation service, for an address on the application's own host. */
function leadsToSignIn(answer: RawAnswer | undefined): boolean {
  const location = answer?.header('location')
  if (answer?.status !== 307 || location === undefined) return false
  const url = new URL(location)
  const back = new URL(url.searchParams.get('returnUrl') ?? '')
  return url.origin === demo.file.sts.url && url.pathname === '/adfs/ls' && back.host === host
}

function namesNobodyElse({ answers }: RawExchange): boolean {
  return answers.every(({ headers }) =>
    headers.every(([name, value]) => {
      if (name !== 'location' && name !== 'set-cookie' && name !== 'refresh' && name !== 'content-location') return true
      const address = name === 'location' ? new URL(value, `http://${host}`) : undefined
      const back = address?.searchParams.get('returnUrl')
      const hosts = [address?.host, back ? new URL(back).host : undefined]
      return !hosts.some((found) => found?.includes('evil')) && !/domain=[^;]*evil/i.test(value)
    }),
  )
}

const expectations: Record<string, (t: Test, vector: Vector) => Promise<void>> = {
  '307 to /adfs/ls': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.ok(leadsToSignIn(exchange.answers[0]), describe(exchange))
  },

  '400 and close, or framing re-generated so that the back end sees exactly one request': async (t, vector) => {
    for (const [who, to, changes] of [
      ['nobody', host, (text: string) => text],
      ['a person who is signed in', host, withCookie],
      ['anybody, to an application without sign-in', `recorder.contoso.localhost:${port}`, (text: string) => text],
    ] as const) {
      reached = []
      const bytes = Buffer.concat([bytesOf(vector, changes, to), Buffer.from(sentinel())])
      const exchange = await send(bytes, 2)
      const [first, second, ...more] = exchange.answers
      if (isRefused(exchange)) {
        t.ok(exchange.closed || closes(first), `${who}: refused and closed`)
        t.same(reached, [], `${who}: nothing reached the backend`)
      } else {
        t.ok(first !== undefined && first.status < 500, `${who}: ${describe(exchange)}`)
        t.same(more, [])
        // Bytes behind the body are no request of anybody's: they are refused, and the connection with them.
        const ended = second === undefined ? exchange.closed : second.status === 400 && closes(second)
        t.ok(ended || isSentinel(second), `${who}: ${describe(exchange)}`)
        if (to !== host) t.same(reached, [`${bytes.subarray(0, bytes.indexOf(' '))} /app/`], who)
      }
    }
  },

  '400/close': async (t, vector) => {
    // The simple request of HTTP/0.9 has no end that a parser of HTTP/1.1 could see; the empty line is one.
    const exchange = await send(bytesOf(vector, (text) => (text.includes('\r\n\r\n') ? text : `${text}\r\n`)))
    t.ok(isRefused(exchange), describe(exchange))
  },

  '400/505': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.ok(isRefused(exchange, 505), describe(exchange))
  },

  '400, or routed only by the published app host and never to the absolute-form authority': async (t, vector) => {
    const anonymous = await send(bytesOf(vector))
    t.ok(isRefused(anonymous) || leadsToSignIn(anonymous.answers[0]), describe(anonymous))
    t.ok(namesNobodyElse(anonymous), describe(anonymous))
    const known = await send(bytesOf(vector, (text) => asJson(withCookie(text))))
    t.ok(isRefused(known) || seen(known.answers[0]).application === 'CRM', describe(known))
    t.ok(namesNobodyElse(known), describe(known))
  },

  '405/400': async (t, vector) => {
    for (const exchange of [await send(bytesOf(vector)), await send(bytesOf(vector, withCookie))])
      t.ok(isRefused(exchange, 405), describe(exchange))
  },

  '405': async (t, vector) => {
    for (const exchange of [await send(bytesOf(vector)), await send(bytesOf(vector, withCookie))]) {
      t.equal(exchange.answers[0]?.status, 405, describe(exchange))
      t.notMatch(exchange.received.toString('latin1'), /EdgeAccessCookie=x/, 'echoes no cookie')
    }
  },

  '400/404/421, or treated as app.example.test; redirects never name evil.example.test': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.ok(isRefused(exchange, 404, 421) || leadsToSignIn(exchange.answers[0]), describe(exchange))
    t.ok(namesNobodyElse(exchange), describe(exchange))
  },

  '400': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.equal(exchange.answers[0]?.status, 400, describe(exchange))
  },

  'back end must not see the client value under any CGI-equivalent name (strip or 400)': async (t, vector) => {
    const spelt = (name: string) => (text: string) =>
      asJson(text.replace(new RegExp(`^${vector.spoof}:`, 'im'), `${name}:`))
    const name = vector.spoof ?? ''
    const own =
      Buffer.from(vector.rawB64, 'base64')
        .toString('latin1')
        .match(/^([\w-]+): administrator@/m)?.[1] ?? name
    for (const spelling of new Set([
      own,
      name.replaceAll('-', '_'),
      name.replace('-', '_'),
      name.replaceAll('-', '.'),
    ])) {
      const exchange = await send(bytesOf(vector, spelt(spelling)))
      const [answer] = exchange.answers
      if (answer?.status === 400) continue
      t.equal(answer?.status, 200, `${spelling}: ${describe(exchange)}`)
      const { headers } = seen(answer)
      t.equal(headers['x-forwarded-user'], 'alice@contoso.test', spelling)
      const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')
      const same = Object.entries(headers).filter(([key]) => plain(key) === plain(name))
      t.notOk(
        same.some(([, value]) => value.includes(forged)),
        `${spelling} reached the backend: ${JSON.stringify(same)}`,
      )
    }
  },

  'client value never reaches the KCD back end; proxy-made Negotiate only': async (t, vector) => {
    // No application of the demo is delegated to. What is left to prove: the header buys nobody an identity, neither
    // without a session nor beside one.
    const anonymous = await send(bytesOf(vector, (text) => text.replace(/Cookie: .*\r\n/, '')))
    // Whoever sends a Bearer token is a program, and is told so.
    const isProgram = /^Authorization: Bearer/m.test(Buffer.from(vector.rawB64, 'base64').toString('latin1'))
    if (isProgram) t.equal(anonymous.answers[0]?.status, 401, describe(anonymous))
    else t.ok(leadsToSignIn(anonymous.answers[0]), describe(anonymous))
    const known = await send(bytesOf(vector, asJson))
    t.equal(seen(known.answers[0]).headers['x-forwarded-user'], 'alice@contoso.test')
  },

  'not forwarded': async (t, vector) => {
    const exchange = await send(bytesOf(vector, (text) => asJson(withCookie(text))))
    const { te, ...headers } = seen(exchange.answers[0]).headers
    t.notOk('keep-alive' in headers)
    t.notOk('proxy-connection' in headers)
    t.ok(te === undefined || te === 'trailers', 'nothing but the one coding that passes trailers')
  },

  'no 101 without valid token; h2c/other upgrades never tunnelled': async (t, vector) => {
    const anonymous = await send(bytesOf(vector))
    t.ok([307, 400, 401, 403].includes(anonymous.answers[0]?.status ?? 0), describe(anonymous))
    const foreign = await send(bytesOf(vector, withCookie))
    t.ok(
      [400, 401, 403].includes(foreign.answers[0]?.status ?? 0),
      `with a session, from a foreign origin: ${describe(foreign)}`,
    )
    for (const protocol of ['h2c', 'TLS/1.0', 'foo']) {
      const other = await send(bytesOf(vector, (text) => withCookie(text).replace('websocket', protocol)))
      t.not(other.answers[0]?.status, 101, `${protocol}: ${describe(other)}`)
    }
  },

  '431': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.equal(exchange.answers[0]?.status, 431, describe(exchange))
  },

  '414/431': async (t, vector) => {
    const exchange = await send(bytesOf(vector))
    t.ok([414, 431].includes(exchange.answers[0]?.status ?? 0), describe(exchange))
  },

  'second one gets 307 (auth is per request, not per connection)': async (t, vector) => {
    const exchange = await send(bytesOf(vector), 2)
    t.equal(exchange.answers[0]?.status, 200, describe(exchange))
    t.ok(leadsToSignIn(exchange.answers[1]), describe(exchange))
  },

  'only an exact, single, unambiguous cookie may authenticate; malformed → 307, never pass-through (CVE-2026-25748)':
    async (t, vector) => {
      const literal = await send(bytesOf(vector))
      t.ok(leadsToSignIn(literal.answers[0]), describe(literal))
      // The same with the person's own cookie in it. Blanks around a header's value are not part of it, and another
      // cookie beside it does not make it less exact.
      const real = await send(
        bytesOf(vector, (text) => {
          const [first = '', ...rest] = cookieValue
          const encoded = `%${first.charCodeAt(0).toString(16)}${rest.join('')}`
          return text.replace('%67ood', encoded).replace(/(?<==)good/, cookieValue)
        }),
      )
      const exact = ['X-ck07', 'X-ck16'].includes(vector.id)
      if (exact) t.equal(real.answers[0]?.status, 200, describe(real))
      else t.ok(leadsToSignIn(real.answers[0]), describe(real))
    },

  'policy: h1 → join or 400': async (t, vector) => {
    const exchange = await send(bytesOf(vector, asJson))
    t.equal(exchange.answers[0]?.status, 200, 'several lines are joined')
    const { cookie } = seen(exchange.answers[0]).headers
    t.equal(cookie, 'a=b', 'the backend sees its own cookie and none of ours')
  },
}

/** The twelve vectors whose expectation names the header that they try to take away. */
const stillPresent = /^proxy-added (\S+) still present at the back end; request framing intact$/

async function keepsWhatTheProxyAdds(t: Test, vector: Vector): Promise<void> {
  const plain = await send(bytesOf(vector, (text) => asJson(text.replace(/Connection: .*\r\n/, ''))))
  const exchange = await send(Buffer.concat([bytesOf(vector, asJson), Buffer.from(sentinel())]), 2)
  const [answer, second] = exchange.answers
  t.equal(answer?.status, 200, describe(exchange))
  const names = (headers: object) => Object.keys(headers).filter((name) => name !== 'connection')
  t.same(names(seen(answer).headers), names(seen(plain.answers[0]).headers), 'the same headers as without it')
  t.equal(seen(answer).headers['x-forwarded-user'], 'alice@contoso.test')
  t.ok(second === undefined && exchange.closed, 'the request asked for an end of the connection, and nothing follows')
}

async function controls(t: Test): Promise<void> {
  const control = vectors.find(({ id }) => id === 'X000')
  t.ok(control)
  const anonymous = await send(bytesOf(control as Vector))
  t.ok(leadsToSignIn(anonymous.answers[0]), describe(anonymous))
  const { application, headers } = await seenBy(alice, demo.url('CRM'))
  t.equal(application, 'CRM')
  t.equal(headers['x-forwarded-user'], 'alice@contoso.test')
}

t.test('the controls pass before', controls)

t.test('every vector has an expectation here', async (t) => {
  t.equal(vectors.length, 168)
  const without = vectors.filter(({ expect }) => expectations[expect] === undefined && !stillPresent.test(expect))
  t.same(without, [])
})

for (const vector of vectors) {
  t.test(`${vector.id}: ${vector.desc}`.slice(0, 120), async (t) => {
    const began = performance.now()
    await (expectations[vector.expect] ?? keepsWhatTheProxyAdds)(t, vector)
    t.ok(performance.now() - began < longestAnswer, 'was answered without delay')
  })
}

t.test('the controls pass after', controls)
t.end()
