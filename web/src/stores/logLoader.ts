/**
 * Fetching what events alone cannot tell: first pages, older pages, a hole in the log, a summary gone stale. Each fetch runs once
 * per conversation however often it is asked for, and folds in what arrived meanwhile (see realtime/loading.ts).
 */

import { ApiError } from '@/api/errors'
import type { ChatEvent } from '@/contract/events'
import type { Conversation, Member, MessagePage } from '@/contract/model'
import { beginLoad, endLoad, jumpTo, mergeMembers, mergeNewest, mergeOlder, mergeSummary } from '@/realtime/loading'
import type { LogState } from '@/realtime/log'

export interface LogPorts {
  get(id: string): LogState | undefined
  change(id: string, to: (state: LogState) => LogState): void
  /** Fold events in; `false` when they leave a hole. */
  apply(id: string, events: readonly ChatEvent[]): void
  drop(id: string): void
  wait(ms: number): Promise<void>
}

export interface LogCalls {
  fetchConversation(id: string): Promise<Conversation>
  fetchMembers(id: string): Promise<Member[]>
  fetchMessages(id: string, before?: number): Promise<MessagePage>
  fetchEvents(id: string, after: number): Promise<{ events: ChatEvent[]; lastSeq: number }>
}

/** How often a fetch that nobody waits for is tried again. */
const TRIES = 5

export function createLogLoader(ports: LogPorts, calls: LogCalls) {
  const running = new Map<string, Promise<void>>()

  /** One at a time for each name; a second caller gets the first one's promise. */
  function single(name: string, work: () => Promise<void>): Promise<void> {
    const known = running.get(name)
    if (known) return known
    const promise = work().finally(() => running.delete(name))
    running.set(name, promise)
    return promise
  }

  /** Record events from before the request until its answer is merged. An answer from before a `resync` is not. */
  async function recorded<T>(id: string, call: () => Promise<T>, merge: (state: LogState, answer: T) => LogState): Promise<void> {
    const jumps = ports.get(id)?.jumps
    ports.change(id, beginLoad)
    try {
      const answer = await call()
      ports.change(id, (state) => (state.jumps === jumps ? merge(state, answer) : state))
    } finally {
      ports.change(id, endLoad)
    }
  }

  /** One at a time for each kind of answer, and anew after a `resync`. */
  const singleSince = (kind: string, id: string, work: () => Promise<void>) => single(`${kind} ${id} ${String(ports.get(id)?.jumps)}`, work)

  const loadNewest = (id: string) =>
    singleSince('newest', id, () => recorded(id, () => calls.fetchMessages(id), mergeNewest))

  const loadOlder = (id: string) =>
    singleSince('older', id, async () => {
      const before = ports.get(id)?.messages[0]?.seq
      if (before === undefined || !ports.get(id)?.hasBefore) return
      await recorded(id, () => calls.fetchMessages(id, before), (state, page) => mergeOlder(state, page, before))
    })

  const loadMembers = (id: string) =>
    singleSince('members', id, () => recorded(id, () => calls.fetchMembers(id), mergeMembers))

  /** Fetch whatever is on screen, and then the summary, anew, until nothing is stale. */
  const refetch = (id: string) => single(`refetch ${id}`, () => patiently(id, () => refetchNow(id)))

  async function refetchNow(id: string): Promise<void> {
    let jumps: number | undefined
    do {
      const state = ports.get(id)
      jumps = state?.jumps
      if (state?.opened) await loadNewest(id)
      if (state?.members) await loadMembers(id)
      await recorded(id, () => calls.fetchConversation(id), mergeSummary)
    } while (ports.get(id)?.stale || ports.get(id)?.jumps !== jumps)
  }

  /** Fill a hole from the log itself, or, when the log does not reach back so far, start over from its head. */
  const repair = (id: string) =>
    single(`repair ${id}`, () =>
      patiently(id, async () => {
        if (!(await catchUp(id))) await startOver(id)
      }),
    )

  async function catchUp(id: string): Promise<boolean> {
    for (;;) {
      const cursor = ports.get(id)?.cursor
      if (cursor === undefined) return true
      const page = await calls.fetchEvents(id, cursor).catch(refusedAsGone)
      if (!page) return false
      if (page.lastSeq <= cursor) return true
      ports.apply(id, page.events)
      if ((ports.get(id)?.cursor ?? Infinity) === cursor) return false
    }
  }

  async function startOver(id: string): Promise<void> {
    const { last_seq: lastSeq } = await calls.fetchConversation(id)
    ports.change(id, (state) => jumpTo(state, lastSeq))
    await refetch(id)
  }

  async function patiently(id: string, work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return ports.drop(id)
        if (!(error instanceof ApiError) || !error.temporary || attempt >= TRIES) throw error
        await ports.wait(error.retryAfterMs ?? 500 * 2 ** attempt)
      }
    }
  }

  return { loadNewest, loadOlder, loadMembers, refetch, repair }
}

function refusedAsGone(error: unknown): null {
  if (error instanceof ApiError && error.status === 410) return null
  throw error
}
