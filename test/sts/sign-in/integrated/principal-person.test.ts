import t from 'tap'
import type { Person } from '../../../../src/sts/people/person.ts'
import { upnKey } from '../../../../src/sts/people/user-principal-name.ts'
import { personOfPrincipal } from '../../../../src/sts/sign-in/integrated/principal-person.ts'

const person = (upn: string, enabled = true): Person => ({
  id: upn,
  upn,
  displayName: upn,
  enabled,
  delegatable: true,
  groups: [],
})
const store = [
  person('Alice@contoso.test'),
  person('bob@contoso.test', false),
  person('alice@fabrikam.test'),
  person('mallory@corp.contoso.test'),
  person('kim@contoso.test'),
]
const people = { find: (upn: string) => store.find((each) => upnKey(each.upn) === upnKey(upn)) }
const suffixes = new Map([
  ['CORP.CONTOSO.TEST', 'contoso.test'],
  ['CONTOSO.TEST', 'CONTOSO.TEST'],
])
const whose = (principal: string) => {
  const found = personOfPrincipal(principal, { people, suffixes })
  return found.kind === 'person' ? found.person.upn : found.code
}

t.test('the suffix of the realm makes the user principal name, without regard to case', async (t) => {
  t.equal(whose('alice@CORP.CONTOSO.TEST'), 'Alice@contoso.test')
  t.equal(whose('ALICE@CORP.CONTOSO.TEST'), 'Alice@contoso.test')
  t.equal(whose('alice@CONTOSO.TEST'), 'Alice@contoso.test')
})

t.test('a realm that no suffix is known of has nobody, though there is a person of that name', async (t) => {
  t.equal(whose('alice@FABRIKAM.TEST'), 'negotiate-realm')
  t.equal(whose('alice@corp.contoso.test'), 'negotiate-realm', 'realms count letter by letter')
  t.equal(whose('mallory@CORP.CONTOSO.TEST'), 'person-unknown', 'its name is not corp.contoso.test here')
})

t.test('who is unknown or disabled is told apart in the audit trail', async (t) => {
  t.equal(whose('carol@CORP.CONTOSO.TEST'), 'person-unknown')
  t.equal(whose('WORKSTATION$@CORP.CONTOSO.TEST'), 'person-unknown')
  t.equal(whose('bob@CORP.CONTOSO.TEST'), 'person-disabled')
})

t.test('a principal that is no plain name is nobody', async (t) => {
  for (const principal of [
    '',
    'alice',
    '@CORP.CONTOSO.TEST',
    'alice/admin@CORP.CONTOSO.TEST',
    'HTTP/sts.contoso.test@CORP.CONTOSO.TEST',
    'alice\\@contoso.test@CORP.CONTOSO.TEST',
    'alice@CORP.CONTOSO.TEST@CONTOSO.TEST',
    'alice\\0@CORP.CONTOSO.TEST',
    // KELVIN SIGN, which Unicode composes into a k
    '\u212Aim@CORP.CONTOSO.TEST',
  ]) {
    t.equal(whose(principal), 'negotiate-principal', principal)
  }
  t.equal(whose('alice @CORP.CONTOSO.TEST'), 'person-unknown')
})
