import t from 'tap'
import {
  parseBackendService,
  parsePrincipal,
  parseRealm,
  parseUserPrincipalName,
  principalText,
  sameName,
  sameNameIgnoringCase,
  ticketGrantingService,
  userPrincipal,
} from '../../src/kcd/principal-name.ts'

const refused = { name: 'KerberosError', code: 'principal' }

t.test('a user principal name is user and suffix', async (t) => {
  t.same(parseUserPrincipalName('alice@contoso.test'), { user: 'alice', suffix: 'contoso.test' })
  t.same(parseUserPrincipalName("Zoë.O'Neil-Smith_1@contoso.test").user, "Zoë.O'Neil-Smith_1")
  t.same(parseUserPrincipalName('alice@localhost').suffix, 'localhost')
})

for (const [what, upn] of [
  ['nothing', ''],
  ['no suffix', 'alice'],
  ['an empty suffix', 'alice@'],
  ['an empty user part', '@contoso.test'],
  ['two @', 'alice@bob@contoso.test'],
  ['a slash, which would make it a service', 'HTTP/backend@contoso.test'],
  ['a backslash, which would escape', 'alice\\@contoso.test'],
  ['a NUL', 'alice\0@contoso.test'],
  ['a blank', 'alice smith@contoso.test'],
  ['a blank at the end', 'alice@contoso.test '],
  ['a line break', 'alice\n@contoso.test'],
  ['a DEL', 'alice\x7f@contoso.test'],
  ['a blank of another kind', 'alice\u00a0@contoso.test'],
  ['a zero-width blank', 'alice\u200b@contoso.test'],
  ['a sign that turns the writing direction', 'alice\u202e@contoso.test'],
  ['half a character', 'alice\ud800@contoso.test'],
  ['a machine account', 'gateway$@contoso.test'],
  ['a colon', 'alice:1@contoso.test'],
  ['a wildcard', '*@contoso.test'],
  ['a semicolon', 'alice;id@contoso.test'],
  ['a suffix with a slash', 'alice@contoso.test/x'],
  ['a suffix with a label that begins with a hyphen', 'alice@-contoso.test'],
  ['a suffix with two dots', 'alice@contoso..test'],
  ['a suffix that ends in a dot', 'alice@contoso.test.'],
  ['a suffix that is no ASCII', 'alice@cöntoso.test'],
  ['1,025 characters', `${'a'.repeat(1025 - 13)}@contoso.test`],
] as const) {
  t.test(`refuses a user principal name with ${what}`, async (t) => {
    t.throws(() => parseUserPrincipalName(upn), refused)
    t.throws(() => userPrincipal(upn, 'CONTOSO.TEST', 'enterprise'), refused)
  })
}

t.test('a refused name is shown in one line, and not whole when it is long', async (t) => {
  try {
    parseUserPrincipalName(`alice\r\n\u202e${'x'.repeat(5000)}`)
    t.fail('taken')
  } catch (error) {
    const { message } = error as Error
    t.notMatch(message, /[\r\n\u202e]/)
    t.ok(message.length < 250)
  }
})

t.test('a person is named by the user part where the suffix is the realm, else whole', async (t) => {
  const realm = 'CONTOSO.TEST'
  t.same(userPrincipal('alice@contoso.test', realm), { name: { type: 1, components: ['alice'] }, realm })
  t.same(userPrincipal('alice@alt.test', realm), { name: { type: 10, components: ['alice@alt.test'] }, realm })
  t.same(userPrincipal('alice@contoso.test', realm, 'enterprise'), {
    name: { type: 10, components: ['alice@contoso.test'] },
    realm,
  })
  t.same(userPrincipal('alice@fabrikam.test', realm, 'principal'), {
    name: { type: 1, components: ['alice'] },
    realm: 'FABRIKAM.TEST',
  })
})

t.test('a service of a backend is HTTP and a host, with or without port', async (t) => {
  t.same(parseBackendService('HTTP/app.corp.test'), { type: 2, components: ['HTTP', 'app.corp.test'] })
  t.same(parseBackendService('http/app'), { type: 2, components: ['http', 'app'] })
  t.same(parseBackendService('HTTP/app.corp.test:8443').components, ['HTTP', 'app.corp.test:8443'])
})

for (const spn of [
  '',
  'HTTP',
  'HTTP/',
  '/app.corp.test',
  'cifs/app.corp.test',
  'ldap/dc.corp.test',
  'HOST/app.corp.test',
  'HTTPS/app.corp.test',
  'krbtgt/CORP.TEST',
  'HTTP/app.corp.test@OTHER.TEST',
  'HTTP/app.corp.test/corp.test',
  'HTTP/*',
  'HTTP/*.corp.test',
  'HTTP/app corp',
  'HTTP/app.corp.test ',
  ' HTTP/app.corp.test',
  'HTTP/app.corp.test\n',
  'HTTP/app.corp.test\0',
  'HTTP/app..test',
  'HTTP/app.corp.test:0',
  'HTTP/app.corp.test:65536',
  'HTTP/app.corp.test:',
  'HTTP/app.corp.test:80:80',
  'HTTP/[::1]',
  'HTTP/app\\.test',
  `HTTP/${'a'.repeat(254)}`,
]) {
  t.test(`refuses ${JSON.stringify(spn)} as a service`, async (t) => {
    t.throws(() => parseBackendService(spn), refused)
  })
}

t.test('our own principal is a service or an account, with or without realm', async (t) => {
  t.same(parsePrincipal('HTTP/gateway.example.test', 'EXAMPLE.TEST'), {
    name: { type: 2, components: ['HTTP', 'gateway.example.test'] },
    realm: 'EXAMPLE.TEST',
  })
  t.same(parsePrincipal('gateway$@AD.TEST', 'EXAMPLE.TEST'), {
    name: { type: 1, components: ['gateway$'] },
    realm: 'AD.TEST',
  })
  for (const text of ['', '/', 'HTTP/', '/x', 'a/b/c/d', 'a@', 'a@b@c', 'a b', 'a\\/b', 'a\0']) {
    t.throws(() => parsePrincipal(text, 'EXAMPLE.TEST'), refused, JSON.stringify(text))
  }
  for (const realm of ['', 'A/B', 'A@B', 'A B', 'A\0', 'x'.repeat(254)]) t.throws(() => parseRealm(realm), refused)
})

t.test('names are compared by their components, written with escapes', async (t) => {
  t.ok(sameName({ type: 1, components: ['alice'] }, { type: 10, components: ['alice'] }))
  t.notOk(sameName({ type: 1, components: ['alice'] }, { type: 1, components: ['Alice'] }))
  t.notOk(sameName({ type: 1, components: ['a', 'b'] }, { type: 1, components: ['a/b'] }))
  t.notOk(sameName({ type: 1, components: ['a', 'b'] }, { type: 1, components: ['a'] }))
  t.ok(sameNameIgnoringCase({ type: 1, components: ['HTTP', 'App'] }, { type: 2, components: ['http', 'aPP'] }))
  t.equal(principalText({ type: 1, components: ['a/b@c\\', 'd'] }, 'R'), 'a\\/b\\@c\\\\/d@R')
  t.same(ticketGrantingService('R'), { type: 2, components: ['krbtgt', 'R'] })
})
