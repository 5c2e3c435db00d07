/**
 * Sign-ins at the federation server, over http: with an SSO session (edge token issued, audit on disk) next to bare RS256
 * signing on one thread; with a password next to bare argon2id at the same parameters. The server is the demo's process.
 */

import { execFile } from 'node:child_process'
import { argon2, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, type OutgoingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Figure, median, printFigures } from './figure.ts'
import { freePort, start } from './start.ts'

const ROUNDS = 3
const SECONDS = 4
const run = promisify(execFile)

export async function benchSignIn(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  const port = await freePort()
  const demo = await start(folder, port)
  try {
    const { sts, applications, accounts } = JSON.parse(await readFile(join(folder, 'demo.json'), 'utf8'))
    const site = new Site(new URL(sts.url), port)
    const [application] = applications
    const query = new URLSearchParams({
      version: '1.0',
      action: 'signin',
      realm: 'urn:AppProxy:com',
      appRealm: application.trust,
      returnUrl: application.url,
    })
    const path = `/adfs/ls?${query}`
    const password: string = accounts[0].password
    const known: string[] = accounts.map((account: { upn: string }) => account.upn)
    const people = [...known, ...(await addPeople(folder, password))]

    const bareSign: number[] = []
    const sessionSignIns: number[] = []
    const barePassword: number[] = []
    const passwordSignIns: number[] = []
    const session = await site.signIn(path, people[0] ?? '', password)
    for (let round = 0; round < ROUNDS; round += 1) {
      bareSign.push(await bareSigning())
      sessionSignIns.push(await wrk(`http://127.0.0.1:${port}${path}`, { Host: site.host, Cookie: session }))
      barePassword.push(await bareArgon2())
      passwordSignIns.push(await passwords(site, path, people, password))
    }
    const ratios = (ours: number[], limit: number[]) => median(ours.map((value, index) => value / (limit[index] ?? 1)))
    const [signRatio, passwordRatio] = [ratios(sessionSignIns, bareSign), ratios(passwordSignIns, barePassword)]
    const [withSession, withPassword] = ['sign-in with an SSO session', 'sign-in with a password']
    return [
      { work: withSession, by: 'bare RS256 signature, one thread', value: median(bareSign), unit: '/s', ratio: 1 },
      {
        work: withSession,
        by: 'gatehouse, 32 connections',
        value: median(sessionSignIns),
        unit: '/s',
        ratio: signRatio,
        target: '>= 0.7 of bare signing',
        reached: signRatio >= 0.7,
      },
      { work: withPassword, by: 'bare argon2id, two at a time', value: median(barePassword), unit: '/s', ratio: 1 },
      {
        work: withPassword,
        by: 'gatehouse, four people',
        value: median(passwordSignIns),
        unit: '/s',
        ratio: passwordRatio,
        target: '>= 0.9 of bare argon2id',
        reached: passwordRatio >= 0.9,
      },
    ]
  } finally {
    await demo.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Bare RS256 signatures of an edge token's length on this thread, per second. */
async function bareSigning(): Promise<number> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const bytes = randomBytes(900)
  let count = 0
  const began = performance.now()
  while (performance.now() - began < SECONDS * 1000) {
    sign('sha256', bytes, privateKey)
    count += 1
  }
  return perSecond(count, began)
}

/** Bare argon2id (19 MiB, t=2, p=1), two in flight, per second: by the package that the server takes, else by Node. */
async function bareArgon2(): Promise<number> {
  const derive = await bareDerivation()
  return inFlight(2, async () => derive())
}

async function bareDerivation(): Promise<() => Promise<unknown>> {
  const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
  try {
    const { hash, argon2id } = await import('argon2')
    const options = {
      type: argon2id,
      memoryCost: parameters.memory,
      timeCost: parameters.passes,
      parallelism: 1,
    } as const
    return () => hash('demo-password', { ...options, salt: randomBytes(16), raw: true })
  } catch {
    const derive = promisify(argon2)
    return () => derive('argon2id', { message: 'demo-password', nonce: randomBytes(16), tagLength: 32, ...parameters })
  }
}

/** Sign-ins with a password, one after the other for each person, enough of them that two are always being checked. */
async function passwords(site: Site, path: string, people: readonly string[], password: string): Promise<number> {
  const forms = await Promise.all(people.map(() => site.openForm(path)))
  return inFlight(people.length, async (lane) => {
    const form = forms[lane]
    if (form !== undefined) await site.submit(form, people[lane] ?? '', password)
  })
}

/** As many people as one address may have waiting, besides those of the demo. */
async function addPeople(folder: string, password: string): Promise<string[]> {
  const people = ['erin@contoso.test', 'dave@contoso.test']
  for (const upn of people) {
    const words = ['src/cli/main.ts', 'user', 'add', upn, '--group', 'Staff', '--password-stdin']
    const added = run(process.execPath, [...words, '--config', join(folder, 'gatehouse.yaml')])
    added.child.stdin?.end(`${password}\n`)
    await added
  }
  return people
}

async function inFlight(lanes: number, work: (lane: number) => Promise<unknown>): Promise<number> {
  let count = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (performance.now() - began < SECONDS * 1000) {
        await work(lane)
        count += 1
      }
    }),
  )
  return perSecond(count, began)
}

const perSecond = (count: number, began: number) => (count * 1000) / (performance.now() - began)

/** Requests per second that `wrk` gets answered with 32 connections from one thread of its own. */
async function wrk(url: string, headers: Record<string, string>): Promise<number> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await run('wrk', ['-t1', '-c32', `-d${SECONDS}s`, ...lines, url])
  if (/Non-2xx or 3xx|Socket errors/.test(stdout)) throw new Error(`wrk met errors:\n${stdout}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

/** A form as it was shown, with the cookie it belongs to. */
interface SignInForm {
  readonly cookies: ReadonlyMap<string, string>
  readonly token: string
  readonly action: string
}

/** The federation server as a browser sees it, without a browser's cost. */
class Site {
  readonly host: string
  readonly #origin: string
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true })

  constructor(url: URL, port: number) {
    this.host = url.host
    this.#origin = url.origin
    this.#port = port
  }

  /** Signs in by the form and returns the Cookie header of the session. */
  async signIn(path: string, upn: string, password: string): Promise<string> {
    return this.submit(await this.openForm(path), upn, password)
  }

  async openForm(path: string): Promise<SignInForm> {
    const page = await this.#send('GET', path, {})
    const cookies = new Map<string, string>()
    keep(cookies, page.cookies)
    return {
      cookies,
      token: /name="FormToken" value="([^"]+)"/.exec(page.body)?.[1] ?? '',
      action: /<form method="post" action="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? path,
    }
  }

  /** Posts the form; it can be posted again, as by a person who signs in anew. */
  async submit(form: SignInForm, upn: string, password: string): Promise<string> {
    const body = new URLSearchParams({ FormToken: form.token, UserName: upn, Password: password }).toString()
    const headers = {
      cookie: header(form.cookies),
      origin: this.#origin,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    }
    const answer = await this.#send('POST', form.action, headers, body)
    if (answer.status !== 303) throw new Error(`sign-in was answered with ${answer.status}`)
    const cookies = new Map(form.cookies)
    keep(cookies, answer.cookies)
    return header(cookies)
  }

  #send(method: string, path: string, headers: OutgoingHttpHeaders, body = '') {
    return new Promise<{ status: number; cookies: string[]; body: string }>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: this.#port, method, path, agent: this.#agent }
      const outgoing = request({ ...target, headers: { host: this.host, ...headers } }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part) => {
          text += part
        })
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, cookies: answer.headers['set-cookie'] ?? [], body: text }),
        )
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
}

function keep(jar: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (name === undefined) continue
    if (value === '' || value === undefined) jar.delete(name)
    else jar.set(name, value)
  }
}

const header = (jar: ReadonlyMap<string, string>) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

if (import.meta.main) printFigures(await benchSignIn())
