/** Apache with mod_auth_gssapi: a backend that takes Kerberos alone and tells whom it saw. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { runProgram, startProgram } from '../processes.ts'
import { accepting } from './accepting.ts'

export interface ApacheBackend {
  readonly port: number
  /** `/` answers `{"user":"…","authType":"…"}` and the same name in `x-remote-user`. */
  readonly url: string
  stop(): Promise<void>
}

export interface ApacheBackendOptions {
  /** Every folder above it is made passable: Apache gives up root. */
  readonly folder: string
  /** `KRB5_CONFIG` and the like. */
  readonly environment: Readonly<Record<string, string>>
  readonly keytab: string
  /** Host name of the service principal name. */
  readonly host: string
  /** More modules than those of a Kerberos backend. */
  readonly modules?: readonly string[]
  /** More directives of the protected location; a later one overrides an earlier one. */
  readonly directives?: readonly string[]
}

const moduleFolder = '/usr/lib/apache2/modules'

export async function startApacheBackend(options: ApacheBackendOptions): Promise<ApacheBackend> {
  const { folder, environment, keytab, host, modules = [], directives = [] } = options
  const root = join(folder, 'apache')
  const file = (name: string) => join(root, name)
  for (const path of [root, file('www'), file('run')]) mkdirSync(path, { recursive: true })
  for (const path of [folder, root, file('www')]) chmodSync(path, 0o755)
  copyFileSync(keytab, file('http.keytab'))
  chmodSync(file('http.keytab'), 0o600)
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    const { uid, gid } = await webUser()
    for (const path of [file('http.keytab'), file('run')]) chownSync(path, uid, gid)
  }
  writeFileSync(
    file('www/index.shtml'),
    '{"user":"<!--#echo encoding="none" var="REMOTE_USER" -->","authType":"<!--#echo var="AUTH_TYPE" -->"}\n',
  )
  const port = await freePort()
  const names = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'dir',
    'mime',
    'include',
    'env',
    'headers',
    'auth_gssapi',
    ...modules,
  ]
  writeFileSync(
    file('httpd.conf'),
    `ServerRoot ${root}
ServerName ${host}
Listen 127.0.0.1:${port}
PidFile ${file('run/httpd.pid')}
DefaultRuntimeDir ${file('run')}
${isRoot ? 'User www-data\nGroup www-data\n' : ''}${names.map((name) => `LoadModule ${name}_module ${moduleFolder}/mod_${name}.so\n`).join('')}ErrorLog ${file('error.log')}
LogLevel auth_gssapi:debug
TypesConfig /etc/mime.types
AddType application/json .shtml
AddOutputFilter INCLUDES .shtml
DocumentRoot ${file('www')}
DirectoryIndex index.shtml
<Location />
  Options +Includes
  AuthType GSSAPI
  AuthName backend
  GssapiCredStore keytab:${file('http.keytab')}
  GssapiAllowedMech krb5
  Header always set x-remote-user "expr=%{REMOTE_USER}"
  Require valid-user
${directives.map((line) => `  ${line}\n`).join('')}</Location>
`,
  )
  const rcache = { KRB5RCACHEDIR: file('run') }
  const program = startProgram('/usr/sbin/apache2', ['-D', 'FOREGROUND', '-d', root, '-f', file('httpd.conf')], {
    env: { ...environment, ...rcache },
  })
  await accepting(port, program)
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      await program.stop()
    },
  }
}

async function webUser(): Promise<{ uid: number; gid: number }> {
  const { stdout } = await runProgram('/usr/bin/id', ['www-data'])
  const match = /uid=(\d+).*?gid=(\d+)/.exec(stdout)
  if (match === null) throw new Error('Apache came without its user www-data')
  return { uid: Number(match[1]), gid: Number(match[2]) }
}
