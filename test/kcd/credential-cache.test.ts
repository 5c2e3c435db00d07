import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { encodeCredentialCache } from '../../src/kcd/credential-cache.ts'
import { randomEncryptionKey } from '../../src/kcd/crypto/encryption-key.ts'
import { issueTicket } from './peer-messages.ts'

const run = promisify(execFile)
const realm = 'EXAMPLE.TEST'
const alice = { name: { type: 1, components: ['alice'] }, realm }
const service = { name: { type: 2, components: ['HTTP', 'backend.example.test'] }, realm }

t.test('klist reads the cache: client, service, times, flags, encryption types', async (t) => {
  const sessionKey = randomEncryptionKey(20)
  const ticket = issueTicket({ client: alice, service, serviceKey: randomEncryptionKey(18), sessionKey })
  const file = join(t.testdir(), 'cache')
  const credential = {
    client: alice,
    service,
    sessionKey,
    authenticatedAt: new Date('2026-11-23T12:00:00Z'),
    endsAt: new Date('2036-11-23T22:00:00Z'),
    renewableUntil: new Date('2036-11-30T12:00:00Z'),
    flags: 0x40a10000,
    ticket,
  }
  await writeFile(
    file,
    encodeCredentialCache(alice, [credential, { ...credential, startsAt: new Date('2026-11-23T12:05:00Z') }]),
    { mode: 0o600 },
  )
  const env = { ...process.env, KRB5_CONFIG: '/dev/null', TZ: 'UTC', LC_ALL: 'C' }
  const { stdout } = await run('klist', ['-f', '-e', '-c', file], { env })
  t.match(stdout, /Default principal: alice@EXAMPLE\.TEST/)
  t.match(stdout, /11\/23\/26 12:00:00 {2}11\/23\/36 22:00:00 {2}HTTP\/backend\.example\.test@EXAMPLE\.TEST/)
  t.match(stdout, /11\/23\/26 12:05:00/)
  t.match(stdout, /renew until 11\/30\/36 12:00:00, Flags: FRA/)
  t.match(stdout, /Etype \(skey, tkt\): aes256-cts-hmac-sha384-192, aes256-cts-hmac-sha1-96/)
})

t.test('the difference to the KDC’s clock stands in the header', async (t) => {
  const octets = encodeCredentialCache(alice, [], -1.25)
  t.equal(octets.toString('hex', 0, 16), '0504000c00010008fffffffe000b71b0')
})
