/**
 * Every text that a person reads on a page of the federation server, in every language that there is. A text is either
 * fixed or a function of what it names; the German table must have what the English one has.
 */

const english = {
  // sign-in
  signIn: 'Sign in',
  signInTo: (application: string) => `to continue to ${application}`,
  signInToPortal: 'to see your applications',
  userName: 'User name',
  userNameHint: 'For example someone@example.com',
  password: 'Password',
  keepMeSignedIn: 'Keep me signed in',
  keepMeSignedInHint: 'Only on a device that nobody else uses.',
  credentialsRefused: 'The user name or password is not right, or this account cannot sign in at the moment.',
  userNameMissing: 'Enter your user name.',
  passwordMissing: 'Enter your password.',
  busy: (seconds: number) =>
    `Too many people are signing in right now. Please try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
  cookieNotKept:
    'Your browser does not keep our cookie, so we could not sign you in. Allow cookies for this site and sign in again.',
  formStale: 'This page had been open for too long. Please sign in again.',
  // application
  notPermittedTitle: 'You may not open this application',
  notPermitted: (application: string, person: string) =>
    `You are signed in as ${person}, and this account is not permitted to open ${application}.`,
  notPermittedAdvice: 'If you need it, ask your administrator and quote the request id below.',
  yourApplications: 'Your applications',
  // requests that cannot be answered
  badRequestTitle: 'This address cannot be opened',
  badRequest: 'The request is incomplete or was changed on its way. Open the application again from its own address.',
  trustUnknown: 'The application that you wanted to open is not known here.',
  trustDisabled: 'The application that you wanted to open is switched off at the moment.',
  trustNotPublished: 'The application that you wanted to open is not published.',
  returnUrlRefused: 'The address that you wanted to open does not belong to this application.',
  foreignFormTitle: 'This form did not come from us',
  foreignForm:
    'Another website, or a setting of your browser, stands between this form and us, so nothing was done. Open the application again from its own address.',
  tooLarge: 'What was sent is larger than any form of ours.',
  notFoundTitle: 'There is nothing at this address',
  notFound: 'Check the address, or go to your applications.',
  methodNotAllowedTitle: 'This cannot be done here',
  methodNotAllowed: 'The address exists, but not for this kind of request.',
  failureTitle: 'Something went wrong on our side',
  failure: 'Your request could not be answered. Please try again; if it happens again, quote the request id below.',
  requestId: 'Request id',
  // portal
  portalEmpty: 'There is no application that you may open yet. Your administrator can permit some.',
  signedInAs: (person: string) => `Signed in as ${person}`,
  signOut: 'Sign out',
  // sign-out
  signedOutTitle: 'You are signed out',
  signedOut: 'Your session has ended here and in the applications that you opened with it.',
  signedOutAdvice: 'On a device that others use too, close the browser now.',
  signInAgain: 'Sign in again',
}

/** The texts of one language. */
export type Strings = typeof english

const german: Strings = {
  signIn: 'Anmelden',
  signInTo: (application) => `um ${application} zu öffnen`,
  signInToPortal: 'um Ihre Anwendungen zu sehen',
  userName: 'Benutzername',
  userNameHint: 'Zum Beispiel jemand@example.com',
  password: 'Kennwort',
  keepMeSignedIn: 'Angemeldet bleiben',
  keepMeSignedInHint: 'Nur auf einem Gerät, das sonst niemand benutzt.',
  credentialsRefused: 'Benutzername oder Kennwort stimmt nicht, oder dieses Konto kann sich zurzeit nicht anmelden.',
  userNameMissing: 'Geben Sie Ihren Benutzernamen ein.',
  passwordMissing: 'Geben Sie Ihr Kennwort ein.',
  busy: (seconds) =>
    `Im Augenblick melden sich zu viele Personen an. Bitte versuchen Sie es in ${seconds} ${seconds === 1 ? 'Sekunde' : 'Sekunden'} noch einmal.`,
  cookieNotKept:
    'Ihr Browser behält unser Cookie nicht, deshalb konnten wir Sie nicht anmelden. Erlauben Sie Cookies für diese Seite und melden Sie sich noch einmal an.',
  formStale: 'Diese Seite war zu lange geöffnet. Bitte melden Sie sich noch einmal an.',
  notPermittedTitle: 'Sie dürfen diese Anwendung nicht öffnen',
  notPermitted: (application, person) =>
    `Sie sind als ${person} angemeldet, und dieses Konto darf ${application} nicht öffnen.`,
  notPermittedAdvice:
    'Wenn Sie die Anwendung brauchen, wenden Sie sich an Ihre Administration und nennen Sie die Anfragenummer unten.',
  yourApplications: 'Ihre Anwendungen',
  badRequestTitle: 'Diese Adresse lässt sich nicht öffnen',
  badRequest:
    'Die Anfrage ist unvollständig oder wurde unterwegs verändert. Öffnen Sie die Anwendung noch einmal über ihre eigene Adresse.',
  trustUnknown: 'Die Anwendung, die Sie öffnen wollten, ist hier nicht bekannt.',
  trustDisabled: 'Die Anwendung, die Sie öffnen wollten, ist zurzeit abgeschaltet.',
  trustNotPublished: 'Die Anwendung, die Sie öffnen wollten, ist nicht veröffentlicht.',
  returnUrlRefused: 'Die Adresse, die Sie öffnen wollten, gehört nicht zu dieser Anwendung.',
  foreignFormTitle: 'Dieses Formular kam nicht von uns',
  foreignForm:
    'Eine andere Website oder eine Einstellung Ihres Browsers steht zwischen diesem Formular und uns, deshalb ist nichts geschehen. Öffnen Sie die Anwendung noch einmal über ihre eigene Adresse.',
  tooLarge: 'Das Gesendete ist größer als jedes Formular von uns.',
  notFoundTitle: 'Unter dieser Adresse gibt es nichts',
  notFound: 'Prüfen Sie die Adresse, oder gehen Sie zu Ihren Anwendungen.',
  methodNotAllowedTitle: 'Das geht hier nicht',
  methodNotAllowed: 'Die Adresse gibt es, aber nicht für diese Art von Anfrage.',
  failureTitle: 'Bei uns ist etwas schiefgegangen',
  failure:
    'Ihre Anfrage konnte nicht beantwortet werden. Bitte versuchen Sie es noch einmal; geschieht es wieder, nennen Sie die Anfragenummer unten.',
  requestId: 'Anfragenummer',
  portalEmpty: 'Es gibt noch keine Anwendung, die Sie öffnen dürfen. Ihre Administration kann welche freigeben.',
  signedInAs: (person) => `Angemeldet als ${person}`,
  signOut: 'Abmelden',
  signedOutTitle: 'Sie sind abgemeldet',
  signedOut: 'Ihre Sitzung ist beendet, hier und in den Anwendungen, die Sie damit geöffnet haben.',
  signedOutAdvice: 'Schließen Sie jetzt den Browser, wenn auch andere dieses Gerät benutzen.',
  signInAgain: 'Wieder anmelden',
}

const tables = { en: english, de: german }

/** A language that pages are written in, as its BCP 47 tag. */
export type Language = keyof typeof tables

/** All languages that there are texts for. */
export const everyLanguage: readonly Language[] = ['en', 'de']

/** The texts of a language. */
export function stringsOf(language: Language): Strings {
  return tables[language]
}

/**
 * The language of a page: the one that the browser likes best of those offered (RFC 9110 §12.5.4), by its primary
 * subtag, so that `de-AT` gets German.
 * @param offered at least one; the first is for browsers that ask for none of them.
 */
export function chooseLanguage(acceptLanguage: string | undefined, offered: readonly Language[]): Language {
  let best: { language: Language | undefined; quality: number } = { language: offered[0], quality: 0 }
  for (const range of (acceptLanguage ?? '').slice(0, 1024).split(',')) {
    const [tag = '', ...attributes] = range.split(';').map((part) => part.trim().toLowerCase())
    const stated = attributes.find((attribute) => attribute.startsWith('q='))
    const quality = stated === undefined ? 1 : Number(stated.slice(2))
    const language = offered.find((one) => tag === one || tag.startsWith(`${one}-`))
    if (language !== undefined && quality > best.quality && quality <= 1) best = { language, quality }
  }
  return best.language ?? 'en'
}
