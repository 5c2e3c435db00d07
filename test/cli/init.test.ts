import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadConfiguration } from '../../src/cli/configuration/configuration-file.ts'
import { runGatehouse } from '../lab/gatehouse.ts'
import { temporaryFolder } from './installation.ts'

t.test('what it makes holds, is for its owner alone where it has to be, and works with every command', async (t) => {
  const folder = await temporaryFolder(t)
  const { code, stdout, stderr } = await runGatehouse(['init'], { cwd: folder })
  t.equal(code, 0, stderr)
  t.match(stdout, /gatehouse\.yaml {2}configuration\n.*master\.key {2}master key[\s\S]*gatehouse serve/)
  t.equal((await stat(join(folder, 'master.key'))).mode & 0o777, 0o600)
  t.equal((await stat(join(folder, 'data'))).mode & 0o777, 0o700)
  const configuration = await loadConfiguration({ file: join(folder, 'gatehouse.yaml'), environment: {} })
  t.match(configuration, {
    roles: ['sts', 'proxy'],
    sts: { url: 'http://sts.gatehouse.localhost:8080' },
    listeners: [{ address: '127.0.0.1', port: 8080, protocol: 'http' }],
    resolve: { '*.gatehouse.localhost': '127.0.0.1' },
  })
  t.match(await runGatehouse(['group', 'list'], { cwd: folder }), { code: 0 })
})

t.test('nothing that is there is replaced', async (t) => {
  const folder = await temporaryFolder(t)
  await runGatehouse(['init'], { cwd: folder })
  const [yaml, key] = await Promise.all(
    ['gatehouse.yaml', 'master.key'].map((name) => readFile(join(folder, name), 'utf8')),
  )
  t.match(await runGatehouse(['init'], { cwd: folder }), { code: 4, stdout: '', stderr: /is there already/ })
  t.equal(await readFile(join(folder, 'gatehouse.yaml'), 'utf8'), yaml)
  const other = join(folder, 'other.yaml')
  t.match(await runGatehouse(['init', '--config', other], { cwd: folder }), {
    code: 0,
    stdout: /which was there already/,
  })
  t.equal(await readFile(join(folder, 'master.key'), 'utf8'), key)
})

t.test('a public address asks for a certificate or a proxy that has one', async (t) => {
  const folder = await temporaryFolder(t)
  const init = (...words: string[]) => runGatehouse(['init', ...words], { cwd: folder })
  t.match(await init('--url', 'https://sts.contoso.test'), { code: 2, stderr: /needs --certificate/ })
  t.match(await init('--url', 'https://sts.contoso.test/adfs', '--trusted-proxy', '10.0.0.2'), {
    code: 2,
    stderr: /sts\.url/,
  })
  t.match(await init('--certificate', 'a.pem', '--key', 'a.key'), { code: 2, stderr: /https address/ })
  t.match(await init('--listen', 'everywhere'), { code: 2, stderr: /ADDRESS:PORT/ })
  t.match(await init('--url', 'http://sts.contoso.test', '--listen', '0.0.0.0:80'), {
    code: 2,
    stderr: /plain http is for loopback/,
  })
  await t.rejects(stat(join(folder, 'gatehouse.yaml')), { code: 'ENOENT' })

  const pem = ['--certificate', 'tls dir/a.pem', '--key', "it's.key", '--passphrase-file', 'a.txt']
  t.match(await init('--url', 'https://sts.contoso.test', ...pem, '--json'), { code: 0 })
  t.match(await loadConfiguration({ file: join(folder, 'gatehouse.yaml'), environment: {} }), {
    listeners: [
      {
        address: '0.0.0.0',
        port: 443,
        protocol: 'https',
        certificates: [
          {
            certificate: join(folder, 'tls dir/a.pem'),
            key: join(folder, "it's.key"),
            passphraseFile: join(folder, 'a.txt'),
          },
        ],
      },
    ],
  })
  const behind = [
    '--config',
    'b.yaml',
    '--listen',
    '[::]:8080',
    '--trusted-proxy',
    '10.0.0.2',
    '--trusted-proxy',
    'fd00::/8',
  ]
  t.match(await init('--url', 'https://sts.contoso.test', ...behind), { code: 0 })
  t.match(await loadConfiguration({ file: join(folder, 'b.yaml'), environment: {} }), {
    listeners: [{ address: '::', port: 8080, protocol: 'http', trustedProxies: ['10.0.0.2', 'fd00::/8'] }],
  })
})

t.test('a folder that is a file is one clear line', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'x'), '')
  const { code, stderr } = await runGatehouse(['init', '--config', join(folder, 'x', 'gatehouse.yaml')])
  t.equal(code, 1)
  t.equal(stderr.trimEnd().split('\n').length, 1, stderr)
})
