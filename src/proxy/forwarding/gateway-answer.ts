import { type Message, proxyTexts } from '../pages/texts.ts'
import { answer } from '../preauthentication/answers.ts'
import type { Outcome, PlainRequest, Responded } from '../preauthentication/preauthentication.ts'
import type { PublishedApplication } from '../published-application.ts'
import type { GatewayFailure, GatewayFailureCode } from './gateway-failure.ts'

/**
 * What a client is told when its request got no answer from a backend: which application, what kind of trouble, the request
 * id by which an operator finds the rest in the log; never an address, a name or an error text from inside.
 */
export function gatewayAnswer(
  request: PlainRequest,
  failure: GatewayFailure,
  application: PublishedApplication | undefined,
  outcome: Outcome | undefined,
): Responded {
  const { status, code } = failure
  return answer(request, {
    status,
    code,
    application,
    outcome: outcome ?? { decision: 'bad-request', code },
    message: (texts) => (texts === proxyTexts.de ? german : english)[code],
    ...(status === 503 ? { headers: { 'Retry-After': '10' } } : {}),
  })
}

const english: Readonly<Record<GatewayFailureCode, Message>> = {
  'backend-unreachable': {
    title: 'The application cannot be reached',
    lines: [
      'Its server does not answer. Please try again in a moment; if it lasts, tell your administrator the request id below.',
    ],
  },
  'backend-certificate': {
    title: 'The application cannot be reached safely',
    lines: [
      'Its server could not prove that it is the right one, so nothing was sent to it. Please tell your administrator the request id below.',
    ],
  },
  'backend-timeout': {
    title: 'The application takes too long',
    lines: [
      'Its server did not answer in time. What you sent may or may not have arrived: look before you send it again.',
    ],
  },
  'backend-closed': {
    title: 'The application hung up',
    lines: [
      'Its server ended the connection without an answer. What you sent may or may not have arrived: look before you send it again.',
    ],
  },
  'backend-answer': {
    title: 'The application gave an unreadable answer',
    lines: [
      'Its server sent something that must not be passed on. Please tell your administrator the request id below.',
    ],
  },
  'client-timeout': {
    title: 'The request stopped halfway',
    lines: ['The rest of it did not come in time. Please send it again.'],
  },
  'request-refused': {
    title: 'This request cannot be passed on',
    lines: ['It is not written as a request has to be.'],
  },
  'too-many-connections': {
    title: 'Too many open connections',
    lines: ['Please close windows of this application that you do not need, and try again in a moment.'],
  },
  loop: {
    title: 'This request goes in circles',
    lines: [
      'The application leads back to where the request came from. Please tell your administrator the request id below.',
    ],
  },
  closing: { title: 'Just a moment', lines: ['The proxy is being restarted. Please try again in a moment.'] },
  internal: {
    title: 'Something went wrong here',
    lines: ['The request could not be handled. Please tell your administrator the request id below.'],
  },
  audit: {
    title: 'Not possible right now',
    lines: ['The request could not be recorded, so it was not passed on. Please try again in a moment.'],
  },
  'kerberos-person': {
    title: 'You cannot be signed in to this application',
    lines: [
      'Your organisation’s directory lets nobody act for you at its server: your account is unknown there, disabled, or not to be delegated. Please tell your administrator the request id below.',
    ],
  },
  'kerberos-service': {
    title: 'You cannot be signed in to this application',
    lines: [
      'This proxy is not allowed to sign people in to its server. Please tell your administrator the request id below.',
    ],
  },
  'kerberos-unavailable': {
    title: 'Signing you in to the application is not possible right now',
    lines: [
      'Your organisation’s directory cannot be asked. Please try again in a moment; if it lasts, tell your administrator the request id below.',
    ],
  },
  'kerberos-rejected': {
    title: 'The application does not accept the sign-in',
    lines: ['Its server refused what it was shown in your name. Please tell your administrator the request id below.'],
  },
  'kerberos-forbidden': {
    title: 'The application does not let you in',
    lines: ['Its server knows who you are and refused. Please ask whoever looks after the application.'],
  },
  'kerberos-unproved': {
    title: 'The application cannot be reached safely',
    lines: [
      'Its server could not prove that it is the right one, so its answer was dropped. Please tell your administrator the request id below.',
    ],
  },
}

const german: Readonly<Record<GatewayFailureCode, Message>> = {
  'backend-unreachable': {
    title: 'Die Anwendung ist nicht erreichbar',
    lines: [
      'Ihr Server antwortet nicht. Bitte versuchen Sie es gleich noch einmal; bleibt es dabei, nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'backend-certificate': {
    title: 'Die Anwendung ist nicht sicher erreichbar',
    lines: [
      'Ihr Server konnte nicht beweisen, dass er der richtige ist. Es wurde nichts an ihn gesendet. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'backend-timeout': {
    title: 'Die Anwendung braucht zu lange',
    lines: [
      'Ihr Server hat nicht rechtzeitig geantwortet. Ob angekommen ist, was Sie gesendet haben, ist ungewiss: sehen Sie nach, bevor Sie es noch einmal senden.',
    ],
  },
  'backend-closed': {
    title: 'Die Anwendung hat aufgelegt',
    lines: [
      'Ihr Server hat die Verbindung ohne Antwort beendet. Ob angekommen ist, was Sie gesendet haben, ist ungewiss: sehen Sie nach, bevor Sie es noch einmal senden.',
    ],
  },
  'backend-answer': {
    title: 'Die Antwort der Anwendung ist nicht lesbar',
    lines: [
      'Ihr Server hat etwas gesendet, das nicht weitergegeben werden darf. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'client-timeout': {
    title: 'Die Anfrage brach ab',
    lines: ['Der Rest kam nicht rechtzeitig an. Bitte senden Sie sie noch einmal.'],
  },
  'request-refused': {
    title: 'Diese Anfrage kann nicht weitergegeben werden',
    lines: ['Sie ist nicht so geschrieben, wie eine Anfrage sein muss.'],
  },
  'too-many-connections': {
    title: 'Zu viele offene Verbindungen',
    lines: [
      'Bitte schließen Sie Fenster dieser Anwendung, die Sie nicht brauchen, und versuchen Sie es gleich noch einmal.',
    ],
  },
  loop: {
    title: 'Diese Anfrage dreht sich im Kreis',
    lines: [
      'Die Anwendung führt dorthin zurück, woher die Anfrage kam. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  closing: {
    title: 'Einen Augenblick',
    lines: ['Der Proxy wird neu gestartet. Bitte versuchen Sie es gleich noch einmal.'],
  },
  internal: {
    title: 'Hier ist etwas schiefgegangen',
    lines: [
      'Die Anfrage konnte nicht bearbeitet werden. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  audit: {
    title: 'Im Augenblick nicht möglich',
    lines: [
      'Die Anfrage konnte nicht aufgezeichnet werden und wurde deshalb nicht weitergegeben. Bitte versuchen Sie es gleich noch einmal.',
    ],
  },
  'kerberos-person': {
    title: 'An dieser Anwendung können Sie nicht angemeldet werden',
    lines: [
      'Das Verzeichnis Ihrer Organisation lässt niemanden an ihrem Server für Sie handeln: Ihr Konto ist dort unbekannt, abgeschaltet oder nicht zu delegieren. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'kerberos-service': {
    title: 'An dieser Anwendung können Sie nicht angemeldet werden',
    lines: [
      'Dieser Proxy darf niemanden an ihrem Server anmelden. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'kerberos-unavailable': {
    title: 'Die Anmeldung an der Anwendung ist gerade nicht möglich',
    lines: [
      'Das Verzeichnis Ihrer Organisation ist nicht zu erreichen. Bitte versuchen Sie es gleich noch einmal; bleibt es dabei, nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'kerberos-rejected': {
    title: 'Die Anwendung nimmt die Anmeldung nicht an',
    lines: [
      'Ihr Server hat abgelehnt, was ihm in Ihrem Namen gezeigt wurde. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
  'kerberos-forbidden': {
    title: 'Die Anwendung lässt Sie nicht ein',
    lines: ['Ihr Server weiß, wer Sie sind, und lehnt ab. Bitte fragen Sie, wer die Anwendung betreut.'],
  },
  'kerberos-unproved': {
    title: 'Die Anwendung ist nicht sicher erreichbar',
    lines: [
      'Ihr Server konnte nicht beweisen, dass er der richtige ist. Seine Antwort wurde verworfen. Bitte nennen Sie Ihrer Administration die Anfragenummer unten.',
    ],
  },
}
