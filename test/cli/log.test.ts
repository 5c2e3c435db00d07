import t from 'tap'
import { createLog, redact } from '../../src/cli/log.ts'

const jws = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJhbGljZUBjb250b3NvLnRlc3QifQ.c2lnbmF0dXJl-_'
const combo = Buffer.from(JSON.stringify({ proxy_token: jws, access_token: jws })).toString('base64url')

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = ''
  const collect = (line: string) => {
    text += line
  }
  const log = createLog({ level: 'trace', destination: { write: collect } })
  write(log)
  return text
}

for (const { name, write, secret } of [
  { name: 'a token in an address', write: { url: `/a?authToken=${jws}&x=1` }, secret: jws },
  { name: 'a token in an address in any case', write: { url: `/a?AUTHTOKEN=abc.def.ghi&x=1` }, secret: 'abc.def' },
  {
    name: 'a token in an address inside an address',
    write: { url: `?returnUrl=https%3A%2F%2Fa%2F%3FauthToken%3Dabc.def` },
    secret: 'abc.def',
  },
  { name: 'a token anywhere', write: { odd: { deep: [`Bearer ${jws}`] } }, secret: jws },
  { name: 'a combo token', write: { header: `Bearer ${combo}` }, secret: combo },
  { name: 'a Cookie header', write: { headers: { cookie: 'a=secret-cookie; "b"="c"' } }, secret: 'secret-cookie' },
  {
    name: 'Set-Cookie lines',
    write: { headers: { 'Set-Cookie': ['a=secret-cookie', 'b=other-cookie'] } },
    secret: 'other-cookie',
  },
  { name: 'Authorization', write: { req: { headers: { authorization: 'Basic c2VjcmV0' } } }, secret: 'c2VjcmV0' },
  { name: 'a password with quotation marks', write: { password: 'a"}secret,"x' }, secret: 'secret' },
]) {
  t.test(`withholds ${name}`, async (t) => {
    const line = logged((log) => log.info(write, 'request'))
    t.notOk(line.includes(secret), line)
    t.match(line, /\[withheld\]/)
    t.match(JSON.parse(line), { msg: 'request', level: 'info' })
  })
}

t.test('withholds a token in the text and the stack of an error', async (t) => {
  const line = logged((log) => log.error({ err: new Error(`refused /a?authToken=${jws}`) }, `refused ${jws}`))
  t.notOk(line.includes(jws), line)
  t.equal(JSON.parse(line).err.type, 'Error')
})

t.test('the rest of a line stays as it is', async (t) => {
  const line = logged((log) => log.info({ url: `/a?x=1&authToken=${jws}&y=2`, who: 'alice@contoso.test' }, 'request'))
  t.match(JSON.parse(line), { url: '/a?x=1&authToken=[withheld]&y=2', who: 'alice@contoso.test' })
})

t.test('a line with none of it is the very same', async (t) => {
  const line = '{"level":"info","method":"GET","path":"/orders","status":200}\n'
  t.equal(redact(line), line)
})

t.test('a line break in a value does not make a second line', async (t) => {
  const text = logged((log) => log.info({ who: 'mallory\n{"level":"info","msg":"forged"}' }, 'request'))
  t.equal(text.trimEnd().split('\n').length, 1)
})
