import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createMasterKey, readMasterKey } from '../../../src/sts/keys/master-key.ts'

const key = Buffer.alloc(32, 7)
const text = `${key.toString('base64')}\n`

function keyFile(folder: string, mode: number, content: string = text): string {
  const file = join(folder, 'master.key')
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

t.test('a new master key is 0600, 32 random bytes, and reads back as itself', async (t) => {
  const folder = t.testdir()
  const made = createMasterKey(join(folder, 'master.key'))
  t.equal(statSync(join(folder, 'master.key')).mode & 0o777, 0o600)
  t.equal(made.symmetricKeySize, 32)
  t.ok(readMasterKey(join(folder, 'master.key')).equals(made))
  t.notOk(createMasterKey(join(folder, 'other.key')).equals(made))
  t.strictSame(readdirSync(folder).sort(), ['master.key', 'other.key'], 'nothing else is left behind')
})

t.test('an existing master key is never replaced', async (t) => {
  const file = keyFile(t.testdir(), 0o600)
  t.throws(() => createMasterKey(file), { name: 'StsError', code: 'master-key', message: /exists already/ })
  t.equal(readFileSync(file, 'utf8'), text)
  t.strictSame(readdirSync(join(file, '..')), ['master.key'])
})

t.test('a master key in a folder that is not there is refused', async (t) => {
  t.throws(() => createMasterKey(join(t.testdir(), 'none', 'master.key')), { code: 'master-key', message: /no such/ })
  t.throws(() => readMasterKey(join(t.testdir(), 'master.key')), { code: 'master-key', message: /no such file/ })
})

for (const { name, mode, taken } of [
  { name: '0600', mode: 0o600, taken: true },
  { name: '0400', mode: 0o400, taken: true },
  { name: 'readable by everybody', mode: 0o604, taken: false },
  { name: 'writable by everybody', mode: 0o602, taken: false },
  { name: 'readable by its group', mode: 0o640, taken: false },
  { name: 'writable by its group', mode: 0o620, taken: false },
]) {
  t.test(`a file that is ${name} is ${taken ? 'taken' : 'refused'}`, async (t) => {
    const file = keyFile(t.testdir(), mode)
    const read = () => readMasterKey(file, { credentialsDirectory: join(file, '..', 'elsewhere') })
    if (taken) t.equal(read().export().toString('hex'), key.toString('hex'))
    else t.throws(read, { name: 'StsError', code: 'master-key', message: /mode/ })
  })
}

t.test('a file readable by its group is taken where that is allowed', async (t) => {
  const folder = t.testdir({ credentials: {}, 'credentials-of-others': {} })
  const credentialsDirectory = join(folder, 'credentials')
  t.ok(readMasterKey(keyFile(credentialsDirectory, 0o440), { credentialsDirectory }), 'inside the credentials folder')
  t.ok(readMasterKey(keyFile(folder, 0o640), { allowGroupReadableKey: true }), 'by configuration')
  const beside = keyFile(join(folder, 'credentials-of-others'), 0o440)
  t.throws(
    () => readMasterKey(beside, { credentialsDirectory }),
    { code: 'master-key' },
    'a folder whose name begins alike',
  )
  symlinkSync(beside, join(credentialsDirectory, 'linked.key'))
  t.throws(
    () => readMasterKey(join(credentialsDirectory, 'linked.key'), { credentialsDirectory }),
    { code: 'master-key' },
    'a link out of the credentials folder',
  )
  const everybody = keyFile(credentialsDirectory, 0o444)
  t.throws(() => readMasterKey(everybody, { credentialsDirectory, allowGroupReadableKey: true }), {
    code: 'master-key',
  })
})

t.test('the credentials folder is taken from the environment', async (t) => {
  const folder = t.testdir()
  const file = keyFile(folder, 0o440)
  const environment: { CREDENTIALS_DIRECTORY?: string | undefined } = process.env
  const before = environment.CREDENTIALS_DIRECTORY
  t.teardown(() => {
    if (before === undefined) delete environment.CREDENTIALS_DIRECTORY
    else environment.CREDENTIALS_DIRECTORY = before
  })
  delete environment.CREDENTIALS_DIRECTORY
  t.throws(() => readMasterKey(file), { code: 'master-key' })
  environment.CREDENTIALS_DIRECTORY = folder
  t.ok(readMasterKey(file))
})

for (const { name, content } of [
  { name: 'nothing', content: '' },
  { name: '31 bytes', content: Buffer.alloc(31).toString('base64') },
  { name: '33 bytes', content: Buffer.alloc(33).toString('base64') },
  { name: 'raw bytes', content: key.toString('latin1') },
  { name: 'hexadecimal', content: key.toString('hex') },
  { name: 'a megabyte', content: 'A'.repeat(1_000_000) },
  { name: 'two keys', content: text + text },
  { name: 'base64 that is not canonical', content: `${key.toString('base64').slice(0, 42)}d=` },
]) {
  t.test(`a file that holds ${name} is refused, and the error does not show it`, async (t) => {
    const file = keyFile(t.testdir(), 0o600, content)
    try {
      readMasterKey(file)
      t.fail('it was taken')
    } catch (error) {
      t.match(error, { name: 'StsError', code: 'master-key' })
      if (content.length > 30) t.notMatch(String(error), content.slice(0, 30))
    }
  })
}

t.test('a folder is no master key', async (t) => {
  const folder = t.testdir()
  t.throws(() => readMasterKey(folder), { code: 'master-key' })
})
