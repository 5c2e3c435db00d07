export type Language = 'en' | 'de'

/**
 * The language of ours that an Accept-Language header likes best; English where it names none of them.
 * @see RFC 9110 §12.5.4
 */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  let best: Language = 'en'
  let weight = 0
  // What is longer than this is no browser's; nothing in it is worth the time.
  for (const range of (acceptLanguage ?? '').slice(0, 256).split(',')) {
    const [tag = '', ...parameters] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    const liking = q === undefined ? 1 : Number(q.slice(2))
    const language = tag.split('-')[0]
    if ((language === 'en' || language === 'de') && liking > weight) {
      best = language
      weight = liking
    }
  }
  return best
}
