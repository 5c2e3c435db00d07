import t from 'tap'
import { chooseLanguage, everyLanguage, stringsOf } from '../../../src/sts/pages/strings.ts'

t.test('every language has every text, and no two languages share a sentence', async (t) => {
  const english = Object.entries(stringsOf('en'))
  for (const language of everyLanguage.filter((one) => one !== 'en')) {
    const texts = new Map(Object.entries(stringsOf(language)))
    t.same(
      [...texts.keys()],
      english.map(([name]) => name),
    )
    for (const [name, text] of english) {
      t.equal(typeof texts.get(name), typeof text, name)
      if (typeof text === 'string') t.not(texts.get(name), text, name)
    }
  }
})

for (const { accept, language } of [
  { accept: undefined, language: 'en' },
  { accept: '', language: 'en' },
  { accept: 'de', language: 'de' },
  { accept: 'de-AT,de;q=0.9,en;q=0.8', language: 'de' },
  { accept: 'fr-FR, fr;q=0.9, de;q=0.5, en;q=0.4', language: 'de' },
  { accept: 'en;q=0.3, de;q=0.7', language: 'de' },
  { accept: 'de;q=0, en;q=0.1', language: 'en' },
  { accept: 'den, dev', language: 'en' },
  { accept: 'de;q=nonsense', language: 'en' },
  { accept: '*', language: 'en' },
  { accept: `${'x,'.repeat(20_000)}de`, language: 'en' },
]) {
  t.test(`Accept-Language ${accept?.slice(0, 40)} gets ${language}`, async (t) =>
    t.equal(chooseLanguage(accept, ['en', 'de']), language),
  )
}

t.test('only what is offered is chosen, the first for everybody else', async (t) => {
  t.equal(chooseLanguage('en', ['de']), 'de')
  t.equal(chooseLanguage('fr', ['de', 'en']), 'de')
})
