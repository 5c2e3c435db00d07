import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { type CachedDocument, cachedDocument } from '../http/cached-document.ts'
import { accentFrom } from './accent.ts'
import { stylesheet } from './stylesheet.ts'

/** What an organisation may change about the pages. */
export interface BrandingOptions {
  /** Name on top of each page; default `Gatehouse`. */
  title?: string | undefined
  /** Picture file on top of each page: SVG, PNG, JPEG, GIF or WebP, at most 512 kB. */
  logo?: string | undefined
  /** Colour of buttons and links, `#rrggbb`; text keeps enough contrast to it by itself. */
  accentColor?: string | undefined
  /** Text at the foot of each page. */
  footer?: string | undefined
}

/** Branding, read and checked: what pages show and the documents that they refer to. */
export interface Branding {
  readonly title: string
  readonly footer: string | undefined
  readonly stylesheetPath: string
  readonly logoPath: string
  /** Documents by path; a path changes with its content, so caches may keep them for good. */
  readonly documents: ReadonlyMap<string, CachedDocument>
}

const pictureTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
}

/**
 * Reads the branding once, at start.
 * @throws {TypeError} for a colour that is none, a picture of another type, too large or unreadable.
 */
export function openBranding({ title = 'Gatehouse', logo, accentColor, footer }: BrandingOptions = {}): Branding {
  const accent = accentFrom(accentColor)
  const documents = new Map<string, CachedDocument>()
  const serve = (name: string, extension: string, body: string | Uint8Array, type: string) => {
    const path = `/adfs/portal/assets/${name}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}${extension}`
    documents.set(path, cachedDocument(body, type, 'for-good'))
    return path
  }
  const picture = logo === undefined ? undefined : readPicture(logo)
  return {
    title,
    footer,
    documents,
    stylesheetPath: serve('style', '.css', stylesheet(accent), 'text/css; charset=utf-8'),
    logoPath: picture
      ? serve('logo', picture.extension, picture.body, picture.type)
      : serve('logo', '.svg', gate(accent.fill, accent.onFill), 'image/svg+xml'),
  }
}

function readPicture(file: string): { body: Uint8Array; extension: string; type: string } {
  const extension = extname(file).toLowerCase()
  const type = pictureTypes[extension]
  if (type === undefined) throw new TypeError(`branding.logo must be an SVG, PNG, JPEG, GIF or WebP file, not ${file}`)
  let body: Uint8Array
  try {
    body = readFileSync(file)
  } catch (cause) {
    throw new TypeError(`branding.logo cannot be read: ${file}`, { cause })
  }
  if (body.length > 512 * 1024) throw new TypeError(`branding.logo must be at most 512 kB: ${file}`)
  return { body, extension, type }
}

/** A gate: two pillars under an arch. */
const gate = (fill: string, line: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${fill}"/><path d="M8.5 24.5V15a7.5 7.5 0 0 1 15 0v9.5M16 24.5V14" fill="none" stroke="${line}" stroke-width="2.6" stroke-linecap="round"/></svg>\n`
