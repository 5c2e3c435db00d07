import t from 'tap'
import { createCookieFormat, parseCookies } from '../../../src/sts/http/cookies.ts'

t.test('reads every value of a name, in order', async (t) => {
  const cookies = parseCookies('a=1; b=2;a=3;  c = 4 ; nonsense; =5; d=x=y')
  t.same(cookies.get('a'), ['1', '3'])
  t.same(cookies.get('c'), ['4'])
  t.same(cookies.get('d'), ['x=y'])
  t.same(parseCookies(undefined).size, 0)
})

t.test('a cookie named like a property of objects is only a cookie', async (t) => {
  t.same(parseCookies('__proto__=1; constructor=2').get('constructor'), ['2'])
})

t.test('of a cookie that comes again and again the first eight values are looked at', async (t) => {
  const cookies = parseCookies(Array.from({ length: 500 }, (_, index) => `SsoSession=${index}`).join('; '))
  t.same(createCookieFormat({ secure: false }).valuesOf(cookies, 'SsoSession'), [...'01234567'])
})

t.test('ours are found among as many cookies as a request can hold', async (t) => {
  const others = Array.from({ length: 28 }, (_, index) => `other${index}=${'x'.repeat(1000)}`).join('; ')
  t.same(parseCookies(`${others}; SsoSession=ours`).get('SsoSession'), ['ours'])
})

t.test('over https cookies are bound to the host, Secure, HttpOnly and SameSite=Lax', async (t) => {
  const format = createCookieFormat({ secure: true })
  t.equal(format.set('SsoSession', 'abc'), '__Host-SsoSession=abc; Path=/; HttpOnly; SameSite=Lax; Secure')
  t.equal(
    format.clear('SsoSession'),
    '__Host-SsoSession=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
  )
  t.same(format.valuesOf(parseCookies('SsoSession=tossed; __Host-SsoSession=ours'), 'SsoSession'), ['ours'])
})

t.test('over http they are the same but for Secure and the prefix', async (t) => {
  const format = createCookieFormat({ secure: false })
  t.equal(
    format.set('FamiliarDevice', 'abc', { maxAge: 60 }),
    'FamiliarDevice=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60',
  )
})

t.test('values that cannot be ours are passed over', async (t) => {
  const format = createCookieFormat({ secure: false })
  const cookies = parseCookies(`SsoSession=a b; SsoSession="q"; SsoSession=${'x'.repeat(2000)}; SsoSession=fine-1`)
  t.same(format.valuesOf(cookies, 'SsoSession'), ['fine-1'])
})
