/** Debian's Chromium, driven by playwright-core. `*.localhost` is found by the browser itself. */
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const chromiumProgram = '/usr/bin/chromium'

/** Starts the browser; close it when the tests are done. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumProgram,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

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
