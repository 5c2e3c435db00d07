/** Debian's Chromium, driven by playwright-core. `*.localhost` is found by the browser itself. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const program = {
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

/** Starts the browser; close it when the tests are done. */
export function startChromium(): Promise<Browser> {
  return chromium.launch(program)
}

/**
 * Starts a browser whose own setting is to keep no cookie of a host, as a person sets it on the page of settings.
 * @param folder empty; the browser's profile.
 */
export async function startWithoutCookiesOf(host: string, folder: string): Promise<BrowserContext> {
  const blocked = { [`${host},*`]: { setting: 2 } }
  const preferences = { profile: { content_settings: { exceptions: { cookies: blocked } } } }
  await mkdir(join(folder, 'Default'), { recursive: true })
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const person = await chromium.launchPersistentContext(folder, program)
  person.setDefaultTimeout(15_000)
  return person
}

export interface OwnProfileOptions {
  /** More words of the command line. */
  readonly words?: readonly string[]
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** What the browser says that it is; its own name unless given. */
  readonly userAgent?: string
}

/**
 * Starts a browser on a profile of its own, as at somebody's computer. Other contexts count as private windows, in
 * which Chromium shows no site who has signed in at the computer. On Linux it loads the Kerberos library only once a
 * site has asked for a ticket, and the first site in the life of a profile gets none: this profile has seen one.
 * @param folder empty; the browser's profile.
 */
export async function startWithOwnProfile(folder: string, options: OwnProfileOptions = {}): Promise<BrowserContext> {
  const { words = [], environment = {}, userAgent } = options
  const state = { net: { received_http_auth_negotiate_headers: true } }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'Local State'), JSON.stringify(state))
  const person = await chromium.launchPersistentContext(folder, {
    ...program,
    args: [...program.args, ...words],
    env: { ...definedOf(process.env), ...environment },
    ...(userAgent !== undefined && { userAgent }),
  })
  person.setDefaultTimeout(15_000)
  return person
}

const definedOf = (environment: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined))

export interface PersonOptions {
  readonly javaScript?: boolean
  /** Take certificates from the demo's own authority. */
  readonly tls?: boolean
  readonly width?: number
  readonly height?: number
  readonly locale?: string
  readonly colorScheme?: 'light' | 'dark'
}

/** A person with a browser of their own: no cookie is shared with another one. */
export async function newPerson(browser: Browser, options: PersonOptions = {}): Promise<BrowserContext> {
  const {
    javaScript = true,
    tls = false,
    width = 1280,
    height = 800,
    locale = 'en-GB',
    colorScheme = 'light',
  } = options
  const person = await browser.newContext({
    javaScriptEnabled: javaScript,
    ignoreHTTPSErrors: tls,
    viewport: { width, height },
    locale,
    colorScheme,
  })
  person.setDefaultTimeout(15_000)
  return person
}
