import type { Language } from './language.ts'

/** A heading and what stands below it. */
export interface Message {
  readonly title: string
  readonly lines: readonly string[]
}

/** Why a sign-in was refused, as far as the person in front of the screen is told. */
export type RefusalReason =
  | 'signature'
  | 'expired'
  | 'not-yet-valid'
  | 'other-application'
  | 'other-service'
  | 'other-browser'
  | 'unreadable'
  | 'trust-disabled'
  | 'session-ended'
  | 'cookie-not-kept'
  | 'cookie-too-large'
  | 'stray-token'

/** Why a person who is signed in cannot enter an application by Kerberos. */
export type DelegationReason = 'no-upn' | 'delegation' | 'no-kerberos-name'

/** Every string that the proxy's pages show, in one language. */
export interface ProxyTexts {
  readonly facts: { readonly application: string; readonly requestId: string }
  readonly signInAgain: string
  readonly signInNewTab: string
  readonly refusedTitle: string
  /** @param seconds for `not-yet-valid`: how far ahead the federation service's clock is. */
  readonly refusal: (reason: RefusalReason, seconds: number) => string
  readonly refusedAdvice: string
  readonly cookieTitle: string
  /** @param what method and path. */
  readonly notSent: (what: string) => Message
  readonly signedIn: Message
  readonly notReady: Message
  readonly badRequest: Message
  readonly badHost: Message
  readonly ambiguousAddress: Message
  readonly addressTooLong: Message
  readonly badMethod: (method: string) => Message
  readonly unknownHost: Message
  readonly nothingHere: Message
  readonly foreignOrigin: Message
  readonly notDelegated: (reason: DelegationReason) => Message
}

const english: ProxyTexts = {
  facts: { application: 'Application', requestId: 'Request id' },
  signInAgain: 'Sign in again',
  signInNewTab: 'Sign in, in a new tab',
  refusedTitle: 'You could not be signed in',
  refusal: (reason, seconds) => {
    switch (reason) {
      case 'signature':
        return 'The sign-in that came back does not carry a valid signature of the federation service.'
      case 'expired':
        return 'The sign-in took too long to come back, and is no longer accepted.'
      case 'not-yet-valid':
        return `The sign-in is not valid yet, by ${seconds} seconds: the clocks of the federation service and of this proxy differ.`
      case 'other-application':
        return 'The sign-in was issued for another application.'
      case 'other-service':
        return 'The sign-in was issued by, or for, another federation service.'
      case 'other-browser':
        return 'The sign-in was issued for another request than the one this browser made.'
      case 'unreadable':
        return 'The sign-in that came back could not be read.'
      case 'trust-disabled':
        return 'The federation service does not take sign-ins for this application: its trust is disabled or gone.'
      case 'session-ended':
        return 'The session that this sign-in belongs to has been ended.'
      case 'cookie-not-kept':
        return 'Signing in worked, but your browser does not keep our cookie. Allow cookies for this address, or leave private browsing, and try again.'
      case 'cookie-too-large':
        return 'What this application wants to be told about you does not fit into a cookie. Its administrator has to ask for less.'
      case 'stray-token':
        return 'A sign-in came with this request that this browser did not ask for. Nothing of the request was passed on.'
    }
  },
  refusedAdvice: 'If it happens again, tell your administrator the request id below.',
  cookieTitle: 'Your browser does not keep our cookie',
  notSent: (what) => ({
    title: 'Not sent: you are signed out',
    lines: [
      `Your session has ended, so this request (${what}) was not passed on, and nothing of what you entered was kept here.`,
      'Sign in in a new tab. Then come back to this tab and reload it to send your entry again.',
    ],
  }),
  signedIn: { title: 'You are signed in', lines: ['You can close this window and go on where you were.'] },
  notReady: {
    title: 'Signing in is not possible right now',
    lines: ['The federation service cannot be reached. Please try again in a moment.'],
  },
  badRequest: {
    title: 'This address cannot be read',
    lines: ['The address holds something that no address may hold.'],
  },
  badHost: { title: 'This request cannot be read', lines: ['It does not say clearly which host it is for.'] },
  ambiguousAddress: {
    title: 'This address is ambiguous',
    lines: ['The address can be read in two ways that lead to different applications, so it leads to neither.'],
  },
  addressTooLong: {
    title: 'This address is too long',
    lines: ['You would have to sign in, and an address of this length does not survive that.'],
  },
  badMethod: (method) => ({ title: 'Not allowed', lines: [`This proxy does not take ${method} requests.`] }),
  unknownHost: { title: 'No application here', lines: ['Nothing is published at this address.'] },
  nothingHere: { title: 'Nothing here', lines: ['No application is published at this path.'] },
  foreignOrigin: {
    title: 'Refused',
    lines: ['A page of another origin tried to open a connection to this application.'],
  },
  notDelegated: (reason) => ({
    title: 'You cannot be signed in to this application',
    lines: [
      {
        'no-upn': 'It wants to know you by your user principal name, and your sign-in does not carry one.',
        delegation:
          'Nobody may act for you at its server: your account, or the application, is not released for delegation.',
        'no-kerberos-name': 'It wants to know you by a name that your sign-in does not carry.',
      }[reason],
      'Please tell your administrator the request id below.',
    ],
  }),
}

const german: ProxyTexts = {
  facts: { application: 'Anwendung', requestId: 'Anfragenummer' },
  signInAgain: 'Erneut anmelden',
  signInNewTab: 'In neuem Tab anmelden',
  refusedTitle: 'Die Anmeldung ist nicht gelungen',
  refusal: (reason, seconds) => {
    switch (reason) {
      case 'signature':
        return 'Die Anmeldung trägt keine gültige Signatur des Verbunddienstes.'
      case 'expired':
        return 'Die Anmeldung kam zu spät zurück und wird nicht mehr angenommen.'
      case 'not-yet-valid':
        return `Die Anmeldung ist noch nicht gültig, es fehlen ${seconds} Sekunden: die Uhren des Verbunddienstes und dieses Proxys gehen verschieden.`
      case 'other-application':
        return 'Die Anmeldung wurde für eine andere Anwendung ausgestellt.'
      case 'other-service':
        return 'Die Anmeldung wurde von einem anderen oder für einen anderen Verbunddienst ausgestellt.'
      case 'other-browser':
        return 'Die Anmeldung gehört zu einer anderen Anfrage als der, die dieser Browser gestellt hat.'
      case 'unreadable':
        return 'Die Anmeldung, die zurückkam, ist nicht lesbar.'
      case 'trust-disabled':
        return 'Der Verbunddienst nimmt für diese Anwendung keine Anmeldungen an: ihre Vertrauensstellung ist abgeschaltet oder entfernt.'
      case 'session-ended':
        return 'Die Sitzung, zu der diese Anmeldung gehört, wurde beendet.'
      case 'cookie-not-kept':
        return 'Die Anmeldung hat geklappt, aber Ihr Browser behält unser Cookie nicht. Erlauben Sie Cookies für diese Adresse oder verlassen Sie den privaten Modus, und versuchen Sie es noch einmal.'
      case 'cookie-too-large':
        return 'Was diese Anwendung über Sie erfahren will, passt nicht in ein Cookie. Ihre Administration muss weniger verlangen.'
      case 'stray-token':
        return 'Mit dieser Anfrage kam eine Anmeldung, um die dieser Browser nicht gebeten hat. Von der Anfrage wurde nichts weitergegeben.'
    }
  },
  refusedAdvice: 'Geschieht es wieder, nennen Sie Ihrer Administration bitte die Anfragenummer unten.',
  cookieTitle: 'Ihr Browser behält unser Cookie nicht',
  notSent: (what) => ({
    title: 'Nicht gesendet: Sie sind abgemeldet',
    lines: [
      `Ihre Sitzung ist zu Ende. Diese Anfrage (${what}) wurde deshalb nicht weitergegeben, und von Ihren Eingaben wurde hier nichts behalten.`,
      'Melden Sie sich in einem neuen Tab an. Kehren Sie dann in diesen Tab zurück und laden Sie ihn neu, um Ihre Eingabe noch einmal zu senden.',
    ],
  }),
  signedIn: {
    title: 'Sie sind angemeldet',
    lines: ['Sie können dieses Fenster schließen und dort weitermachen, wo Sie waren.'],
  },
  notReady: {
    title: 'Die Anmeldung ist gerade nicht möglich',
    lines: ['Der Verbunddienst ist nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.'],
  },
  badRequest: {
    title: 'Diese Adresse ist nicht lesbar',
    lines: ['Die Adresse enthält etwas, das in keiner Adresse stehen darf.'],
  },
  badHost: {
    title: 'Diese Anfrage ist nicht lesbar',
    lines: ['Sie sagt nicht eindeutig, für welchen Host sie gedacht ist.'],
  },
  ambiguousAddress: {
    title: 'Diese Adresse ist mehrdeutig',
    lines: [
      'Die Adresse lässt sich auf zwei Weisen lesen, die zu verschiedenen Anwendungen führen; deshalb führt sie zu keiner.',
    ],
  },
  addressTooLong: {
    title: 'Diese Adresse ist zu lang',
    lines: ['Sie müssten sich anmelden, und das übersteht eine Adresse dieser Länge nicht.'],
  },
  badMethod: (method) => ({ title: 'Nicht erlaubt', lines: [`Dieser Proxy nimmt keine ${method}-Anfragen an.`] }),
  unknownHost: { title: 'Hier ist keine Anwendung', lines: ['Unter dieser Adresse ist nichts veröffentlicht.'] },
  nothingHere: { title: 'Hier ist nichts', lines: ['Unter diesem Pfad ist keine Anwendung veröffentlicht.'] },
  foreignOrigin: {
    title: 'Abgelehnt',
    lines: ['Eine Seite fremder Herkunft wollte eine Verbindung zu dieser Anwendung öffnen.'],
  },
  notDelegated: (reason) => ({
    title: 'An dieser Anwendung können Sie nicht angemeldet werden',
    lines: [
      {
        'no-upn': 'Sie will Sie unter Ihrem Benutzerprinzipalnamen kennen, und Ihre Anmeldung enthält keinen.',
        delegation:
          'Niemand darf an ihrem Server für Sie handeln: Ihr Konto oder die Anwendung ist nicht zur Delegierung freigegeben.',
        'no-kerberos-name': 'Sie will Sie unter einem Namen kennen, den Ihre Anmeldung nicht enthält.',
      }[reason],
      'Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  }),
}

export const proxyTexts: Readonly<Record<Language, ProxyTexts>> = { en: english, de: german }
