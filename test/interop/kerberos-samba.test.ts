import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { createKerberosDelegator, type KerberosDelegatorOptions } from '../../src/kcd/index.ts'
import { keysOf, parseKeytab } from '../../src/kcd/keytab.ts'
import { openTicket } from '../../src/kcd/messages/ticket.ts'
import { parsePrincipal } from '../../src/kcd/principal-name.ts'
import { startApacheBackend } from '../lab/kerberos/apache-backend.ts'
import { seenByBackend } from '../lab/kerberos/backend-sight.ts'
import { pacOf, ticketInNegotiation } from '../lab/kerberos/negotiate-content.ts'
import { AccountControl, startSambaDomain } from '../lab/kerberos/samba-domain.ts'
import { temporaryFolder } from '../lab/temporary-folder.ts'

const aes = 24
const password = 'Passw0rd!s'
const backendSpn = 'HTTP/backend.ad.example.test'
const usualSpn = 'HTTP/usual.ad.example.test'
const legacySpn = 'HTTP/legacy.ad.example.test'
const otherSpn = 'HTTP/other.ad.example.test'
const { TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION, NOT_DELEGATED, DISABLED } = AccountControl

const folder = temporaryFolder(t)
const domain = await startSambaDomain({
  folder,
  realm: 'AD.EXAMPLE.TEST',
  accounts: [
    { name: 'alice', password: 'Passw0rd!a', upn: 'alice.liddell@contoso.test' },
    { name: 'bob', password: 'Passw0rd!b' },
    { name: 'ceo', password: 'Passw0rd!c', upn: 'chief@contoso.test', control: NOT_DELEGATED },
    { name: 'gone', password: 'Passw0rd!g', upn: 'gone@contoso.test', control: DISABLED },
    {
      name: 'gateway',
      password,
      spns: ['HTTP/gateway.ad.example.test'],
      control: TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION,
      delegateTo: [backendSpn, usualSpn, legacySpn],
      encryptionTypes: aes,
    },
    // Its own tickets are in RC4 where an account does not say that it knows AES.
    {
      name: 'usualgateway',
      password,
      spns: ['HTTP/usualgateway.ad.example.test'],
      control: TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION,
      delegateTo: [backendSpn],
    },
    { name: 'plain', password, spns: ['HTTP/plain.ad.example.test'], delegateTo: [backendSpn], encryptionTypes: aes },
    { name: 'spnless', password, control: TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION, encryptionTypes: aes },
    { name: 'backend', password, spns: [backendSpn], encryptionTypes: aes },
    { name: 'usual', password, spns: [usualSpn] },
    { name: 'legacy', password, spns: [legacySpn], encryptionTypes: 4 },
    { name: 'other', password, spns: [otherSpn], encryptionTypes: aes },
  ],
})
t.teardown(() => domain.stop())
const gatewayKeytab = await domain.keytab('gateway.keytab', 'gateway')
const backendKeytab = await domain.keytab('backend.keytab', backendSpn)
const apache = await startApacheBackend({
  folder,
  environment: domain.environment,
  keytab: backendKeytab,
  host: 'backend.ad.example.test',
})
t.teardown(() => apache.stop())

function delegatorFor(test: Test, options: Partial<KerberosDelegatorOptions> = {}) {
  const keys = options.password === undefined ? { keytab: gatewayKeytab } : {}
  const account = { realm: 'AD.EXAMPLE.TEST', kdcs: [domain.kdc], principal: 'gateway' }
  const delegator = createKerberosDelegator({ ...account, ...keys, ...options })
  test.teardown(() => delegator.close())
  return delegator
}

/** The PAC of the ticket in a Negotiate value, which tells a Windows service who is there. */
async function pacIn(value: string): Promise<Buffer> {
  const keys = keysOf(parseKeytab(await readFile(backendKeytab)), parsePrincipal(backendSpn, domain.realm))
  const ticket = ticketInNegotiation(value)
  const key = keys.find((entry) => entry.encryptionType === ticket.encrypted.encryptionType)?.key
  if (key === undefined) throw new Error('no key of the encryption type of the ticket')
  const pac = pacOf(openTicket(ticket, key))
  if (pac === undefined) throw new Error('no PAC in the ticket')
  return pac
}
const utf16 = (text: string) => Buffer.from(text, 'utf16le')

t.test('a person is delegated by account name and realm', async (t) => {
  const delegator = delegatorFor(t)
  const negotiation = await delegator.begin({ upn: 'alice@ad.example.test', spn: backendSpn })
  const sight = await seenByBackend(apache.url, negotiation.value)
  t.match(sight, { status: 200, user: 'alice@AD.EXAMPLE.TEST' })
  t.equal(negotiation.check(sight.answer), 'proved')
})

t.test('a user principal name unlike the account name finds the one account', async (t) => {
  const delegator = delegatorFor(t)
  const value = await delegator.negotiate({ upn: 'alice.liddell@contoso.test', spn: backendSpn })
  t.match(await seenByBackend(apache.url, value), { status: 200 })
  const pac = await pacIn(value)
  t.ok(pac.includes(utf16('alice')), 'the PAC has the account name')
  t.ok(pac.includes(utf16('alice.liddell@contoso.test')), 'and the user principal name')
  const other = await pacIn(await delegator.negotiate({ upn: 'bob@ad.example.test', spn: backendSpn }))
  t.notOk(other.includes(utf16('alice')))
  t.ok(other.includes(utf16('bob')))
})

t.test('the name may be put as an enterprise name where the suffix is the realm, too', async (t) => {
  const delegator = delegatorFor(t, { userName: 'enterprise' })
  const value = await delegator.negotiate({ upn: 'bob@ad.example.test', spn: backendSpn })
  t.ok((await pacIn(value)).includes(utf16('bob')))
})

t.test('the password of the account does what its keytab does: the salt comes from the KDC', async (t) => {
  const delegator = delegatorFor(t, { password })
  const value = await delegator.negotiate({ upn: 'bob@ad.example.test', spn: backendSpn })
  t.match(await seenByBackend(apache.url, value), { user: 'bob@AD.EXAMPLE.TEST' })
  const wrong = delegatorFor(t, { password: 'Passw0rd!other' })
  await t.rejects(wrong.negotiate({ upn: 'bob@ad.example.test', spn: backendSpn }), { code: 'preauthentication' })
})

t.test('accounts that do not say they know AES are served as long as the domain speaks AES with us', async (t) => {
  const value = await delegatorFor(t).negotiate({ upn: 'bob@ad.example.test', spn: usualSpn })
  t.equal(ticketInNegotiation(value).encrypted.encryptionType, 23, 'between the KDC and the backend')
  const usual = delegatorFor(t, { principal: 'usualgateway', password })
  const sight = await seenByBackend(apache.url, await usual.negotiate({ upn: 'bob@ad.example.test', spn: backendSpn }))
  t.match(sight, { user: 'bob@AD.EXAMPLE.TEST' })
})

t.test('what the domain does not grant is refused with a code of its own', async (t) => {
  const delegator = delegatorFor(t)
  for (const { name, upn = 'bob@ad.example.test', spn = backendSpn, code, message = /./ } of [
    { name: 'a sensitive account', upn: 'ceo@ad.example.test', code: 'not-delegatable', message: /sensitive/ },
    { name: 'a sensitive account by its user principal name', upn: 'chief@contoso.test', code: 'not-delegatable' },
    { name: 'a disabled account', upn: 'gone@contoso.test', code: 'user-unusable' },
    { name: 'a name nobody has', upn: 'nobody@contoso.test', code: 'user-unknown' },
    {
      name: 'a service that is not in the allow list',
      spn: otherSpn,
      code: 'delegation-refused',
      message: /msDS-AllowedToDelegateTo/,
    },
    {
      name: 'a service nobody has registered',
      spn: 'HTTP/missing.ad.example.test',
      code: 'service-unknown',
      message: /setspn/,
    },
    {
      name: 'a service whose account allows RC4 alone',
      spn: legacySpn,
      code: 'encryption-type',
      message: /KerberosEncryptionType AES/,
    },
  ]) {
    await t.rejects(delegator.negotiate({ upn, spn }), { name: 'KerberosError', code, message }, name)
  }
  t.equal(delegator.tickets, 0)
  const bob = { upn: 'bob@ad.example.test', spn: backendSpn }
  await t.rejects(delegatorFor(t, { principal: 'plain', password }).negotiate(bob), { code: 'not-delegatable' })
  await t.rejects(delegatorFor(t, { principal: 'spnless', password }).negotiate(bob), { name: 'KerberosError' })
  await t.rejects(delegatorFor(t, { principal: 'nobody', password }).negotiate(bob), {
    code: 'preauthentication',
    kdcCode: 6,
  })
})

t.test('an account that becomes sensitive is delegated no more once its tickets are forgotten', async (t) => {
  const delegator = delegatorFor(t)
  const bob = { upn: 'bob@ad.example.test', spn: backendSpn }
  await delegator.negotiate(bob)
  const control = AccountControl.NORMAL | NOT_DELEGATED
  await domain.modify(
    `dn: ${domain.entryOf('bob')}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: ${control}\n`,
  )
  delegator.forget('bob@ad.example.test')
  await t.rejects(delegator.negotiate(bob), { code: 'not-delegatable' })
})
