import { readFileSync } from 'node:fs'
import t from 'tap'
import { serverCertificate, writePair } from './certificates.ts'
import { echoSite, exchange, open, plain, status, tls } from './lab.ts'

// Hostile requests byte by byte, as far as they concern the listeners; the rest of the file is for the whole proxy.

interface RawRequest {
  id: string
  desc: string
  rawB64: string
}

const { tests } = JSON.parse(readFileSync(new URL('../../vectors/raw-requests.json', import.meta.url), 'utf8')) as {
  tests: RawRequest[]
}
const bytesOf = ({ rawB64 }: RawRequest) => Buffer.from(rawB64, 'base64')
const of = (pattern: RegExp) => tests.filter(({ id }) => pattern.test(id))
const published = 'app.example.test'

/** What is answered, by vector; every other vector in question gets 400. */
const expected: Record<string, number> = {
  X000: 200,
  // One request with a body, and then bytes that are none.
  'X-fr36': 200,
  // The site reads the path, which names no other host.
  'X-rt02': 200,
  'X-rt08': 200,
  'X-rt10': 200,
  'X-rt12': 200,
  // The same host in absolute form.
  'X-rt17': 200,
  'X-connect': 405,
  'X-trace': 405,
  'X-track': 405,
  'X-host10': 200,
  'X-host11': 200,
  'X-host14': 421,
  'X-host15': 421,
  'X-host16': 421,
  'X-host17': 421,
  'X-host18': 421,
  'X-bighdr': 431,
  'X-manyhdr': 431,
  'X-biguri': 431,
}
const concerned = of(
  /^X(000|-(fr|rt|host)\d+|-(http10te|ver|ver3|pri|connect|trace|track|nohost|bighdr|manyhdr|biguri))$/,
)

t.test('raw requests over plain http', async (t) => {
  const { site, reached } = echoSite([published])
  const { port, refusals } = await open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'http' }],
    sites: [site],
  })
  t.ok(concerned.length >= 50, 'the vectors are there')
  for (const vector of concerned) {
    reached.length = 0
    const before = refusals().length
    const answer = await exchange(plain(port), bytesOf(vector), /\r\n\r\n[\s\S]*test (GET|POST) .*/)
    const wanted = expected[vector.id] ?? 400
    t.equal(status(answer), wanted, `${vector.id} ${vector.desc}`)
    if (wanted === 200) t.match(reached, [/ app\.example\.test \//], 'it reached the site of its host, once')
    else {
      t.strictSame(reached, [], 'it reached no site')
      t.equal(refusals().length, before + 1, 'one line in the log')
      t.match(answer, /^Connection: close\r$/m)
      t.notMatch(answer, /evil|10\.0\.0\.1|node:|\.ts:/, 'nothing of it comes back, and no stack')
    }
  }
})

t.test('raw requests over TLS get the same answers', async (t) => {
  const { site } = echoSite([published])
  const certificates = [writePair(t.testdir(), 'app', await serverCertificate([published]))]
  const { port } = await open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'https', certificates }],
    sites: [site],
  })
  for (const vector of concerned) {
    const answer = await exchange(tls(port, published), bytesOf(vector), /\r\n\r\n[\s\S]*test (GET|POST) .*/)
    t.equal(status(answer), expected[vector.id] ?? 400, `${vector.id} ${vector.desc}`)
  }
})

t.test('a request line of HTTP/0.9 is answered by nothing but an end', async (t) => {
  const { site, reached } = echoSite([published])
  const { port } = await open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'http' }],
    sites: [site],
    timeouts: { headers: 0.2 },
  })
  for (const vector of of(/^X-http09$/)) t.equal(status(await exchange(plain(port), bytesOf(vector))), 408)
  t.strictSame(reached, [])
})

t.test('the listener serves on after all of them, twice over and at once', async (t) => {
  const { site } = echoSite([published])
  const { port, lines } = await open(t, {
    listeners: [{ address: '127.0.0.1', port: 0, protocol: 'http' }],
    sites: [site],
    timeouts: { headers: 0.2, keepAlive: 0.2, standstill: 0.5 },
  })
  await Promise.all([...tests, ...tests].map((vector) => exchange(plain(port), bytesOf(vector), /101 Switching/)))
  t.equal(status(await exchange(plain(port), bytesOf(tests[0] as RawRequest), /X000|GET/)), 200)
  t.strictSame(
    lines.filter(({ level }) => level === 'error' || level === 'warn'),
    [],
  )
})
