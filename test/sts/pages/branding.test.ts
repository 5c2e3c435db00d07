import { join } from 'node:path'
import t from 'tap'
import { accentFrom, contrast } from '../../../src/sts/pages/accent.ts'
import { openBranding } from '../../../src/sts/pages/branding.ts'

t.test('text on every accent colour, and links in it, can be read', async (t) => {
  for (const color of [
    '#000000',
    '#ffffff',
    '#ffff00',
    '#ff0000',
    '#00ff00',
    '#0000ff',
    '#1f5fa8',
    '#777777',
    '#c0ffee',
  ]) {
    const { fill, onFill, ink, inkOnDark } = accentFrom(color)
    t.equal(fill, color)
    t.ok(contrast(fill, onFill) >= 4.5, `${onFill} on ${fill}`)
    t.ok(contrast(ink, '#ffffff') >= 4.5, `${ink} on white`)
    t.ok(contrast(inkOnDark, '#1b2129') >= 4.5, `${inkOnDark} on dark`)
  }
})

t.test('contrast is that of the accessibility guidelines', async (t) => {
  t.equal(contrast('#000000', '#ffffff'), 21)
  t.equal(contrast('#777777', '#ffffff').toFixed(2), '4.48')
})

t.test('a picture is taken as it is, under an address that changes with it', async (t) => {
  const folder = t.testdir({ 'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', 'other.SVG': '<svg/>' })
  const branding = openBranding({ title: 'Contoso', logo: join(folder, 'logo.svg'), footer: 'Help: 1234' })
  const logo = branding.documents.get(branding.logoPath)
  t.equal(logo?.headers['content-type'], 'image/svg+xml')
  t.equal(String(logo?.body), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  t.not(openBranding({ logo: join(folder, 'other.SVG') }).logoPath, branding.logoPath)
})

for (const { name, options } of [
  { name: 'a colour that is none', options: { accentColor: 'red; } body { display: none' } },
  { name: 'a picture that is not there', options: { logo: '/nowhere/logo.png' } },
  { name: 'a picture of another type', options: { logo: 'package.json' } },
]) {
  t.test(`refuses ${name} at start`, async (t) => t.throws(() => openBranding(options), TypeError))
}
