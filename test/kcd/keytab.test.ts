import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { keyOctets, randomEncryptionKey } from '../../src/kcd/crypto/encryption-key.ts'
import { stringToKey } from '../../src/kcd/crypto/string-to-key.ts'
import { encodeKeytab, type KeytabEntry, keysOf, parseKeytab, readKeytabFile } from '../../src/kcd/keytab.ts'
import { parsePrincipal } from '../../src/kcd/principal-name.ts'
import { tryHostileOctets } from './hostile-octets.ts'
import { hex } from './vectors.ts'

const run = promisify(execFile)
const gateway = parsePrincipal('HTTP/gateway.example.test', 'EXAMPLE.TEST')
const entry = (keyVersion: number, type: 17 | 18 | 19 | 20, principal = gateway): KeytabEntry => ({
  ...principal,
  keyVersion,
  writtenAt: new Date('2026-11-23T12:00:00Z'),
  encryptionType: type,
  key: randomEncryptionKey(type),
})

t.test('a keytab that ktutil wrote is read', async (t) => {
  const file = join(t.testdir(), 'test.keytab')
  const add = (type: string, version: number) =>
    `addent -password -p HTTP/gateway.example.test@EXAMPLE.TEST -k ${version} -e ${type}\nalicepw\n`
  const commands = add('aes256-cts-hmac-sha1-96', 3) + add('aes128-cts-hmac-sha256-128', 300)
  const child = run('ktutil', [], { env: { ...process.env, KRB5_CONFIG: '/dev/null' } })
  child.child.stdin?.end(`${commands}wkt ${file}\nquit\n`)
  await child
  const keytab = await readKeytabFile(file)
  const { components } = gateway.name
  t.match(keytab, [
    { name: { components }, realm: 'EXAMPLE.TEST', keyVersion: 3, encryptionType: 18 },
    { name: { components }, realm: 'EXAMPLE.TEST', keyVersion: 300, encryptionType: 19 },
  ])
  const salt = 'EXAMPLE.TESTHTTPgateway.example.test'
  for (const [index, type] of [18, 19].entries()) {
    const key = keytab[index]?.key
    t.same(key && keyOctets(key), keyOctets(await stringToKey(type, 'alicepw', salt)))
  }
})

t.test('klist reads a keytab that we wrote', async (t) => {
  const file = join(t.testdir(), 'test.keytab')
  await writeFile(file, encodeKeytab([entry(2, 18), entry(260, 20)]), { mode: 0o600 })
  const { stdout } = await run('klist', ['-k', '-e', file], { env: { ...process.env, KRB5_CONFIG: '/dev/null' } })
  t.match(stdout, / 2 HTTP\/gateway\.example\.test@EXAMPLE\.TEST \(aes256-cts-hmac-sha1-96\)/)
  t.match(stdout, / 260 HTTP\/gateway\.example\.test@EXAMPLE\.TEST \(aes256-cts-hmac-sha384-192\)/)
})

t.test('what was written comes back; holes, shorter entries and the end mark are understood', async (t) => {
  const first = entry(1, 17)
  const second = entry(2, 19)
  const octets = encodeKeytab([first, second])
  const [one] = parseKeytab(octets)
  t.match(one, { name: first.name, realm: first.realm, keyVersion: 1, encryptionType: 17, writtenAt: first.writtenAt })
  t.same(one?.key && keyOctets(one.key), first.key && keyOctets(first.key))
  const length = octets.readInt32BE(2)
  const record = octets.subarray(6, 6 + length)
  const hole = Buffer.concat([hex('0502'), hex('fffffff8'), Buffer.alloc(8), octets.subarray(2)])
  t.equal(parseKeytab(hole).length, 2, 'a hole of eight octets')
  const withoutLongVersion = Buffer.concat([hex('0502'), uint32(length - 4), record.subarray(0, -4)])
  t.equal(parseKeytab(withoutLongVersion)[0]?.keyVersion, 1, 'the version in one octet alone')
  const zeroVersion = Buffer.concat([hex('0502'), uint32(length), record.subarray(0, -4), Buffer.alloc(4)])
  t.equal(parseKeytab(zeroVersion)[0]?.keyVersion, 1, 'a long version of zero does not count')
  t.equal(
    parseKeytab(Buffer.concat([octets, Buffer.alloc(4), Buffer.from('rest')])).length,
    2,
    'nothing behind the end',
  )
  t.same(parseKeytab(hex('0502')), [])
})

t.test('keys of a principal: newest first, then the strongest', async (t) => {
  const other = parsePrincipal('HTTP/other.example.test', 'EXAMPLE.TEST')
  const keytab = [entry(1, 20), entry(2, 17), entry(2, 18), entry(2, 19), entry(9, 20, other)]
  t.same(
    keysOf(keytab, gateway).map((key) => [key.keyVersion, key.encryptionType]),
    [
      [2, 19],
      [2, 18],
      [2, 17],
      [1, 20],
    ],
  )
  t.throws(() => keysOf(keytab, parsePrincipal('HTTP/gateway.example.test', 'OTHER.TEST')), {
    code: 'keytab',
    message: /but of HTTP\/gateway/,
  })
  t.throws(() => keysOf([], gateway), { code: 'keytab', message: /it is empty/ })
})

t.test('an entry of RC4 is shown, and where there is nothing else the error says how AES is turned on', async (t) => {
  const octets = encodeKeytab([entry(1, 17)])
  // The encryption type stands before the key's length (00 10), its 16 octets and the version.
  octets.writeUInt16BE(23, octets.length - 4 - 16 - 2 - 2)
  const [rc4] = parseKeytab(octets)
  t.match(rc4, { encryptionType: 23, key: undefined })
  t.throws(() => keysOf(parseKeytab(octets), gateway), {
    code: 'encryption-type',
    message: /rc4-hmac \(23\).*AES128,AES256/,
  })
})

for (const [what, octets, message] of [
  ['an empty file', '', /05 02/],
  ['one octet', '05', /05 02/],
  ['a credential cache', '0504000c', /05 02/],
  ['version 1', '050100000000', /version 1/],
  ['an entry cut off', '050200000100', /cut off/],
  ['an entry of one octet', '05020000000100', /cut off/],
  ['a hole over the end', '0502ffffff00', /cut off/],
  ['the longest hole', '050280000000', /cut off/],
] as const) {
  t.test(`refuses ${what} as a keytab`, async (t) => {
    t.throws(() => parseKeytab(hex(octets)), { name: 'KerberosError', code: 'keytab', message })
  })
}

t.test('a name of 65,535 components in an entry of a few octets is cut off, not waited for', async (t) => {
  t.throws(() => parseKeytab(hex('050200000006ffff00000000')), { code: 'keytab' })
})

t.test('whatever is done to a keytab, nothing but a KerberosError comes of it', async (t) => {
  const { tried, failures } = tryHostileOctets(encodeKeytab([entry(1, 17), entry(2, 20)]), parseKeytab)
  t.ok(tried > 1000)
  t.same(failures, [])
})

t.test('a keytab that others may read is refused, one that the group may read unless it is allowed', async (t) => {
  const file = join(t.testdir(), 'test.keytab')
  await writeFile(file, encodeKeytab([entry(1, 18)]), { mode: 0o600 })
  t.equal((await readKeytabFile(file)).length, 1)
  for (const [mode, allowGroupReadable, refused] of [
    [0o644, true, true],
    [0o604, true, true],
    [0o620, true, true],
    [0o640, false, true],
    [0o640, true, false],
    [0o400, false, false],
  ] as const) {
    await chmod(file, mode)
    const reading = readKeytabFile(file, { allowGroupReadable })
    if (refused) await t.rejects(reading, { code: 'keytab', message: /mode .*chmod/ }, mode.toString(8))
    else t.equal((await reading).length, 1, mode.toString(8))
  }
})

t.test('a keytab that is not there, or is a folder, or far too large, is refused by name', async (t) => {
  const folder = t.testdir()
  await t.rejects(readKeytabFile(join(folder, 'none')), { code: 'keytab', message: /none cannot be read/ })
  await chmod(folder, 0o700)
  await t.rejects(readKeytabFile(folder), { code: 'keytab' })
  const large = join(folder, 'large')
  await writeFile(large, Buffer.alloc(1024 * 1024 + 1), { mode: 0o600 })
  await t.rejects(readKeytabFile(large), { code: 'keytab', message: /at most/ })
  t.throws(() => parseKeytab(Buffer.alloc(1024 * 1024 + 1)), { code: 'keytab' })
})

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}
