import type { Accent } from './stylesheet.ts'

const defaultColor = '#1f5fa8'
const page = { light: '#ffffff', dark: '#1b2129' }

/**
 * The colours that follow from one accent colour, whatever it is: text on it and links in it keep a contrast of at
 * least 4.5 to 1 (WCAG 2.2, 1.4.3), by choosing black or white and by darkening or lightening.
 * @param color `#rrggbb`.
 * @throws {TypeError} for anything else.
 */
export function accentFrom(color: string = defaultColor): Accent {
  if (!/^#[0-9a-f]{6}$/i.test(color)) throw new TypeError('branding.accentColor must be a colour such as #1a5fb4')
  const fill = color.toLowerCase()
  return {
    fill,
    onFill: contrast(fill, '#ffffff') >= 4.5 ? '#ffffff' : contrast(fill, '#000000') >= 4.5 ? '#000000' : '#ffffff',
    ink: readable(fill, page.light, 0, 4.5),
    inkOnDark: readable(fill, page.dark, 255, 7),
  }
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio). */
export function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (lighter + 0.05) / (darker + 0.05)
}

function readable(color: string, background: string, towards: number, ratio: number): string {
  let channels = channelsOf(color)
  while (contrast(toHex(channels), background) < ratio) {
    channels = channels.map((value) => Math.round(value + (towards - value) * 0.08 + Math.sign(towards - value) * 0.5))
  }
  return toHex(channels)
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channelsOf(color).map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const channelsOf = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

const toHex = (channels: readonly number[]): string =>
  `#${channels.map((value) => Math.min(255, Math.max(0, value)).toString(16).padStart(2, '0')).join('')}`
