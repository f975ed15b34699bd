/**
 * Bringing HTTP answers and the event stream together. An answer is a photograph taken at an unknown instant while events keep
 * coming: from `beginLoad` to `endLoad` they are recorded, and folded into the answer when it arrives. Whatever the order, the
 * state ends up as the log says.
 */

import type { Conversation, Member, MessagePage } from '@/contract/model'
import { foldMembers } from '@/realtime/foldMembers'
import { foldMessages, joinRuns } from '@/realtime/foldMessages'
import type { LogState } from '@/realtime/log'
import { markRead } from '@/realtime/readMarker'
import { countEvent } from '@/realtime/reducer'

/** This will start recording; call it before the request goes out. */
export function beginLoad(state: LogState): LogState {
  return { ...state, loads: state.loads + 1 }
}

/** This will end what `beginLoad` began, whether the request succeeded or not. */
export function endLoad(state: LogState): LogState {
  const loads = Math.max(0, state.loads - 1)
  return { ...state, loads, recorded: loads > 0 ? state.recorded : [] }
}

/** This will take over a summary, and count the events it does not contain. */
export function mergeSummary(state: LogState, conversation: Conversation): LogState {
  const read = conversation.epoch === state.conversation.epoch ? state.conversation.read_seq : 0
  let next: LogState = {
    ...state,
    conversation,
    counted: conversation.last_seq,
    activeAt: conversation.last_message?.created_at ?? conversation.created_at,
    gone: false,
    stale: false,
  }
  for (const event of state.recorded) {
    // The messages are past these events by now and cannot tell what each of them changed.
    if (event.seq > next.counted) next = countEvent(next, event, [])
  }
  return markRead(next, Math.min(read, next.conversation.last_seq))
}

/** This will make a page the run of newest messages. */
export function mergeNewest(state: LogState, page: MessagePage): LogState {
  return { ...state, opened: true, hasBefore: page.has_before, messages: replay(state, page.messages) }
}

/**
 * This will put a page of older messages before the run.
 *
 * @param before the bound the page was asked with; if the run begins elsewhere by now, the page is dropped
 */
export function mergeOlder(state: LogState, page: MessagePage, before: number): LogState {
  if (!state.opened || state.messages[0]?.seq !== before) return state
  return { ...state, hasBefore: page.has_before, messages: joinRuns(state.messages, replay(state, page.messages, before)) }
}

/** This will take over the list of members. */
export function mergeMembers(state: LogState, members: readonly Member[]): LogState {
  return { ...state, members: state.recorded.reduce(foldMembers, members) }
}

/**
 * This will go on from `lastSeq` after the server said that events before it will not come: live goes on by itself, the rest is
 * fetched (the state is stale until then).
 */
export function jumpTo(state: LogState, lastSeq: number): LogState {
  return { ...state, cursor: lastSeq, counted: lastSeq, recorded: [], stale: true, jumps: state.jumps + 1 }
}

function replay(state: LogState, messages: LogState['messages'], before = Infinity): LogState['messages'] {
  const events = state.recorded.filter((event) => event.kind !== 'message.created' || event.seq < before)
  return events.reduce(foldMessages, messages)
}
