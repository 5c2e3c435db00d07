/** What keeps integrated sign-in from starting, and its bounds. Tickets themselves: test/interop, with a real KDC. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { randomEncryptionKey } from '../../../../src/kcd/crypto/encryption-key.ts'
import { encodeKeytab } from '../../../../src/kcd/keytab.ts'
import { parsePrincipal } from '../../../../src/kcd/principal-name.ts'
import { type KerberosPackage, openTicketAcceptor } from '../../../../src/sts/sign-in/integrated/ticket-acceptor.ts'

process.env['KRB5_CONFIG'] = '/dev/null'
const folder = t.testdir()
const host = 'sts.contoso.test'
const settings = { service: 'HTTP', host, realm: undefined as string | undefined, allowGroupReadableKeytab: false }

async function keytabOf(name: string, principal: string, mode = 0o600): Promise<string> {
  const file = join(folder, name)
  const entry = { keyVersion: 1, writtenAt: new Date(), encryptionType: 18, key: randomEncryptionKey(18) }
  await writeFile(file, encodeKeytab([{ ...parsePrincipal(principal, 'CONTOSO.TEST'), ...entry }]))
  await chmod(file, mode)
  return file
}

t.test('a keytab that does not do keeps the server from starting, and says why', async (t) => {
  const good = await keytabOf('good.keytab', `HTTP/${host}`)
  const fails = (changes: Partial<typeof settings> & { keytab: string }, message: RegExp) =>
    t.rejects(openTicketAcceptor({ ...settings, ...changes }), {
      name: 'StsError',
      code: 'integrated-sign-in',
      message,
    })
  await fails({ keytab: join(folder, 'none.keytab') }, /none\.keytab cannot be read/)
  await fails({ keytab: await keytabOf('open.keytab', `HTTP/${host}`, 0o644) }, /mode 0644.*chmod 600/)
  await fails({ keytab: await keytabOf('group.keytab', `HTTP/${host}`, 0o640) }, /mode 0640.*chmod 600/)
  const writable = await keytabOf('writable.keytab', `HTTP/${host}`, 0o660)
  await fails({ keytab: writable, allowGroupReadableKeytab: true }, /mode 0660.*chmod 640/)
  await fails({ keytab: await keytabOf('other.keytab', 'HTTP/crm.contoso.test') }, /no key of HTTP\/sts\.contoso\.test/)
  const noKeytab = join(folder, 'text.keytab')
  await writeFile(noKeytab, 'alice', { mode: 0o600 })
  await fails({ keytab: noKeytab }, /text\.keytab gives no key/)
  await fails({ keytab: good, realm: 'FABRIKAM.TEST' }, /CONTOSO\.TEST, not in the realm FABRIKAM\.TEST/)
  t.equal(process.env['KRB5_KTNAME'], undefined, 'nothing is left behind')
})

t.test('without the kerberos package the start says how it is had', async (t) => {
  const keytab = await keytabOf('unused.keytab', `HTTP/${host}`)
  const missing = Object.assign(new Error("Cannot find package 'kerberos'"), { code: 'ERR_MODULE_NOT_FOUND' })
  await t.rejects(
    openTicketAcceptor({ ...settings, keytab }, () => Promise.reject(missing)),
    { code: 'integrated-sign-in', message: /libkrb5-dev.*npm install/, cause: missing },
  )
})

t.test('a process has one keytab', async (t) => {
  const keytab = await keytabOf('first.keytab', `HTTP/${host}`, 0o640)
  const acceptor = await openTicketAcceptor({ ...settings, keytab, allowGroupReadableKeytab: true })
  t.equal(acceptor.realm, 'CONTOSO.TEST')
  t.equal(process.env['KRB5_KTNAME'], `FILE:${keytab}`)
  const again = await openTicketAcceptor({ ...settings, keytab, allowGroupReadableKeytab: true })
  t.equal(again.realm, 'CONTOSO.TEST')
  const second = await keytabOf('second.keytab', `HTTP/${host}`)
  await t.rejects(openTicketAcceptor({ ...settings, keytab: second }), { message: /by one alone/ })
  t.equal(process.env['KRB5_KTNAME'], `FILE:${keytab}`)

  const refused = await acceptor.accept(Buffer.from('no token').toString('base64'))
  t.match(refused, { kind: 'refused', code: 'negotiate-refused', reason: /./ })
  await chmod(keytab, 0o600)
  await writeFile(keytab, '')
  t.match(await acceptor.accept('YAA='), { kind: 'refused' }, 'a keytab that was spoilt meanwhile refuses everybody')
})

t.test('two tickets are worked on at once, 64 wait, and whoever comes then is refused', async (t) => {
  const finish: (() => void)[] = []
  const slow: KerberosPackage = {
    principalDetails: async () => `HTTP/${host}@CONTOSO.TEST`,
    initializeServer: async () => ({
      username: 'alice@CONTOSO.TEST',
      targetName: `HTTP/${host}@CONTOSO.TEST`,
      response: null,
      contextComplete: true,
      step: () => new Promise<void>((resolve) => finish.push(resolve)),
    }),
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const keytab = join(folder, 'first.keytab')
  const acceptor = await openTicketAcceptor({ ...settings, keytab }, async () => ({ default: slow }))
  const results = Array.from({ length: 66 }, () => acceptor.accept('YAA='))
  await settled()
  t.equal(finish.length, 2)
  t.strictSame(await acceptor.accept('YAA='), { kind: 'refused', code: 'negotiate-busy' })
  for (let done = 0; done < 66; done += 1) {
    finish.shift()?.()
    await settled()
    t.ok(finish.length <= 2)
  }
  const kinds = (await Promise.all(results)).map(({ kind }) => kind)
  t.strictSame(new Set(kinds), new Set(['accepted']))
})

t.test('a context that is not complete, or has no name, signs nobody in', async (t) => {
  const keytab = join(folder, 'first.keytab')
  const whole = {
    username: 'alice@CONTOSO.TEST',
    targetName: `HTTP/${host}@CONTOSO.TEST`,
    response: 'oQ==',
    contextComplete: true,
    step: async () => null,
  }
  const acceptedFrom = async (changes: Partial<typeof whole> | { username: null } | { targetName: null }) => {
    const context = { ...whole, ...changes }
    const principalDetails = async () => whole.targetName
    const load = async () => ({ default: { principalDetails, initializeServer: async () => context } })
    return (await openTicketAcceptor({ ...settings, keytab }, load)).accept('YAA=')
  }
  t.strictSame(await acceptedFrom({}), { kind: 'accepted', principal: 'alice@CONTOSO.TEST', reply: 'oQ==' })
  for (const changes of [
    { contextComplete: false },
    { username: null },
    { targetName: null },
    { targetName: `HTTP/${host}@FABRIKAM.TEST` },
    { targetName: 'HTTP/crm.contoso.test@CONTOSO.TEST' },
  ]) {
    t.match(await acceptedFrom(changes), { kind: 'refused', code: 'negotiate-refused' })
  }
})
