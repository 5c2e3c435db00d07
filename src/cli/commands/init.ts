import { chmod, open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec } from '../command.ts'
import { makeFolder } from '../make-folder.ts'

/** `gatehouse init` */
export const initCommand: CommandSpec = {
  words: ['init'],
  summary: 'make a configuration, a master key and a data folder',
  description:
    'Writes gatehouse.yaml (or what --config names), master.key beside it (mode 0600) and the folder data. Nothing that is\n' +
    'there already is replaced. Without options the result serves plain http on this machine only, to begin with.',
  options: [
    {
      name: 'url',
      value: 'URL',
      help: 'base address of the federation server as browsers see it; default http://sts.gatehouse.localhost:8080',
    },
    {
      name: 'listen',
      value: 'ADDRESS:PORT',
      help: 'where to listen; default 127.0.0.1:8080, with a certificate 0.0.0.0:443',
    },
    { name: 'certificate', value: 'FILE', help: 'PEM certificate (with its chain) to serve https with; needs --key' },
    { name: 'key', value: 'FILE', help: 'PEM private key of the certificate' },
    { name: 'pkcs12', value: 'FILE', help: 'PKCS#12 file instead of --certificate and --key' },
    { name: 'passphrase-file', value: 'FILE', help: 'file with the passphrase of the key or the PKCS#12 file' },
    {
      name: 'trusted-proxy',
      value: 'ADDRESS',
      many: true,
      help: 'reverse proxy in front that ends TLS, by address or network',
    },
  ],
  examples: [
    'init',
    'init --url https://sts.contoso.test --certificate tls/contoso.pem --key tls/contoso.key',
    'init --url https://sts.contoso.test --listen 10.0.0.5:8080 --trusted-proxy 10.0.0.2',
  ],
  run: init,
}

async function init(call: Call): Promise<Answer> {
  const file = resolve(call.configurationFile ?? (call.terminal.environment['GATEHOUSE_CONFIG'] || 'gatehouse.yaml'))
  const folder = dirname(file)
  const text = configurationText(call)
  const [{ parseConfiguration }, { createMasterKey, readMasterKey }] = await Promise.all([
    import('../configuration/configuration-file.ts'),
    import('../../sts/keys/master-key.ts'),
  ])
  // What is written has to hold: a wrong --url is told here, not at the first start.
  const { data, masterKeyFile, sts } = parseConfiguration(text, { file })
  makeFolder(folder, 0o755)
  await writeNew(file, text)
  const keyIsNew = !(await exists(masterKeyFile))
  if (keyIsNew) createMasterKey(masterKeyFile)
  else readMasterKey(masterKeyFile)
  makeFolder(data)
  await chmod(data, 0o700)
  const key = keyIsNew
    ? 'master key: keep a copy apart from the backup of the data folder'
    : 'master key, which was there already'
  const lines = [
    `${file}  configuration`,
    `${masterKeyFile}  ${key}`,
    `${data}  data folder`,
    '',
    'Next:',
    `  gatehouse user add alice@contoso.test${option(call)}`,
    `  gatehouse trust add CRM --permit-everyone${option(call)}`,
    `  gatehouse serve${option(call)}`,
  ]
  return { data: { configuration: file, masterKey: masterKeyFile, data, url: sts?.url }, text: lines.join('\n') }
}

const option = (call: Call) => (call.configurationFile === undefined ? '' : ` --config ${call.configurationFile}`)

async function exists(path: string): Promise<boolean> {
  const { access } = await import('node:fs/promises')
  return access(path).then(
    () => true,
    () => false,
  )
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o640)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new CliError('file-exists', `${file} is there already; it is left as it is`, { cause })
    throw new CliError(
      code === 'EACCES' ? 'not-permitted' : 'file',
      `${basename(file)} cannot be written in ${dirname(file)} (${code})`,
      { cause },
    )
  }
}

function configurationText(call: Call): string {
  const [certificate, key, pkcs12, passphrase] = ['certificate', 'key', 'pkcs12', 'passphrase-file'].map((name) =>
    call.text(name),
  )
  const proxies = call.list('trusted-proxy')
  const secure = certificate !== undefined || key !== undefined || pkcs12 !== undefined
  const url = call.text('url') ?? 'http://sts.gatehouse.localhost:8080'
  if (/^https:/i.test(url) && !secure && proxies.length === 0) {
    throw new CliError(
      'usage',
      'an https address needs --certificate and --key, --pkcs12, or --trusted-proxy where TLS ends in front of us',
    )
  }
  if (secure && !/^https:/i.test(url)) throw new CliError('usage', 'with a certificate --url must be an https address')
  const { address, port } = listenAddress(call.text('listen') ?? (secure ? '0.0.0.0:443' : '127.0.0.1:8080'))
  const files = { certificate, key, pkcs12, passphraseFile: passphrase }
  // Relative to the folder the command is run in, while the configuration's paths are relative to the configuration.
  const shown = Object.entries(files).flatMap(([name, path]) =>
    path === undefined ? [] : [`${name}: ${quoted(resolve(path))}`],
  )
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  const local = host.endsWith('.localhost') ? host.replace(/^[^.]+/, '*') : undefined
  return [
    '# Every key: docs/configuration.md. Paths are relative to this file; every key can come from the environment,',
    '# GATEHOUSE_STS_URL for sts.url. `gatehouse check` proves the whole chain.',
    'roles: [sts, proxy]',
    'data: data',
    'masterKeyFile: master.key',
    ...(local === undefined
      ? []
      : ['', '# Node.js does not find names under localhost by itself.', `resolve: { '${local}': 127.0.0.1 }`]),
    '',
    'listeners:',
    `  - address: ${quoted(address)}`,
    `    port: ${port}`,
    `    protocol: ${secure ? 'https' : 'http'}`,
    ...(secure ? [`    certificates: [{ ${shown.join(', ')} }]`] : []),
    ...(proxies.length > 0 ? [`    trustedProxies: [${proxies.map(quoted).join(', ')}]`] : []),
    '',
    'sts:',
    `  url: ${quoted(url)}`,
    '',
  ].join('\n')
}

// JSON's strings are YAML's.
const quoted = (text: string) => (/^[\w./:-]*$/.test(text) && !/^[\d.]*$|:$/.test(text) ? text : JSON.stringify(text))

function listenAddress(text: string): { address: string; port: number } {
  const [, v6, v4, port] = /^(?:\[([\da-f:.]+)\]|([\d.]+)):(\d{1,5})$/i.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new CliError('usage', '--listen takes ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443')
  return { address: v6 ?? v4 ?? '', port: Number(port) }
}
