/**
 * Apache with mod_auth_gssapi before a sample application: whoever has no Kerberos ticket for its service does not come
 * in, and the application is told whom the ticket was for.
 */
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apacheModules, programs } from './debian-packages.ts'
import { runProgram, startProgram } from './debian-program.ts'
import { freePort } from './free-port.ts'

export interface DemoApacheOptions {
  readonly keytab: string
  /** krb5.conf of the realm. */
  readonly configuration: string
  /** Host name of the service principal name. */
  readonly host: string
  /** The sample application behind, with a closing slash. */
  readonly application: string
}

export interface DemoApache {
  readonly port: number
  close(): Promise<void>
}

/** The header in which the sample application is told whom Apache saw. */
export const remoteUserHeader = 'x-remote-user'

const modules = [
  ...['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'env', 'headers', 'proxy', 'proxy_http'],
  'auth_gssapi',
]

/** @throws {CliError} `listen`, `file` */
export async function startDemoApache(options: DemoApacheOptions): Promise<DemoApache> {
  // Not in the demo's own folder: started by root, Apache goes on as another user, and that folder is for its owner only.
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-demo-apache-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const port = await freePort()
    const run = join(folder, 'run')
    await mkdir(run, { mode: 0o700 })
    await chmod(folder, 0o711)
    await copyFile(options.keytab, join(run, 'http.keytab'))
    const owner = process.getuid?.() === 0 ? await giveAway(run) : undefined
    const file = join(folder, 'httpd.conf')
    await writeFile(file, httpConfiguration(options, { folder, run, port, owner }))
    const environment = { KRB5_CONFIG: await copyOf(options.configuration, folder), KRB5RCACHEDIR: run }
    const program = startProgram(programs.apache, ['-D', 'FOREGROUND', '-d', folder, '-f', file], { environment })
    const close = async () => {
      await program.stop()
      await remove()
    }
    try {
      await program.accepting(port)
    } catch (error) {
      await close()
      throw error
    }
    return { port, close }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Gives the folder with the keytab to the user that Apache runs as. @returns its name. */
async function giveAway(run: string): Promise<string> {
  const name = 'www-data'
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (which) => Number((await runProgram('/usr/bin/id', [which, name])).stdout)),
  )
  for (const path of [join(run, 'http.keytab'), run]) await chown(path, uid ?? -1, gid ?? -1)
  await stat(run)
  return name
}

async function copyOf(file: string, folder: string): Promise<string> {
  const copy = join(folder, 'krb5.conf')
  await copyFile(file, copy)
  await chmod(copy, 0o644)
  return copy
}

function httpConfiguration(
  { host, application }: DemoApacheOptions,
  { folder, run, port, owner }: { folder: string; run: string; port: number; owner: string | undefined },
): string {
  return `ServerRoot ${folder}
ServerName ${host}
Listen 127.0.0.1:${port}
PidFile ${join(run, 'httpd.pid')}
DefaultRuntimeDir ${run}
${owner === undefined ? '' : `User ${owner}\nGroup ${owner}\n`}${modules.map((name) => `LoadModule ${name}_module ${apacheModules}/mod_${name}.so\n`).join('')}ErrorLog ${join(folder, 'error.log')}
AllowEncodedSlashes NoDecode
LimitRequestFieldSize 65536
ProxyPreserveHost On
ProxyAddHeaders Off
<Location />
  AuthType GSSAPI
  AuthName intranet
  GssapiCredStore keytab:${join(run, 'http.keytab')}
  GssapiAllowedMech krb5
  Require valid-user
  RequestHeader set ${remoteUserHeader} "expr=%{REMOTE_USER}"
  RequestHeader unset Authorization
  ProxyPass ${application} nocanon
</Location>
`
}
