/**
 * Who is typing where. Nothing here is durable: what is not repeated expires by itself.
 */

/** An announcement lasts so long. */
export const TYPING_EXPIRES_MS = 6_000
/** One's own is repeated at most this often. */
export const TYPING_EVERY_MS = 3_000

/** Conversation, then person, then the instant it expires. */
export type Typing = Readonly<Record<string, Readonly<Record<string, number>>>>

/** This will note that somebody types, or stopped. */
export function noteTyping(typing: Typing, conversation: string, user: string, active: boolean, now: number): Typing {
  const others = Object.entries(typing[conversation] ?? {}).filter(([id]) => id !== user)
  if (active) others.push([user, now + TYPING_EXPIRES_MS])
  return { ...typing, [conversation]: Object.fromEntries(others) }
}

/** This will forget what has expired; the same value comes back when nothing has. */
export function expireTyping(typing: Typing, now: number): Typing {
  const expired = Object.values(typing).some((people) => Object.values(people).some((until) => until <= now))
  if (!expired) return typing
  return Object.fromEntries(
    Object.entries(typing).map(([id, people]) => [id, Object.fromEntries(Object.entries(people).filter(([, until]) => until > now))]),
  )
}

/** This will say it in a sentence; the empty string when nobody types. */
export function typingSentence(names: readonly string[]): string {
  const [first, second] = names
  if (first === undefined) return ''
  if (second === undefined) return `${first} is typing`
  if (names.length === 2) return `${first} and ${second} are typing`
  return `${first} and ${String(names.length - 1)} others are typing`
}
