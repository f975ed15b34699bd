import { watch, type Ref } from 'vue'

import { useAttention } from '@/composables/useAttention'
import { useConnectionStore } from '@/stores/useConnectionStore'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useTimelineStore } from '@/stores/useTimelineStore'

/** This will mark a conversation as read while its end is on screen before somebody's eyes, and draw the "New" line otherwise. */
export function useReading(id: Ref<string>, atEnd: Ref<boolean>) {
  const attentive = useAttention()
  const conversations = useConversationsStore()
  const connection = useConnectionStore()
  const timeline = useTimelineStore()

  watch(
    () => {
      const log = conversations.get(id.value)
      return { id: id.value, opened: log?.opened ?? false, seq: log?.cursor ?? 0, unread: log?.conversation.unread_count ?? 0, reading: attentive.value && atEnd.value }
    },
    (now) => {
      if (!now.opened || now.unread === 0) return
      if (now.reading) connection.markRead(now.id, now.seq)
      else timeline.markUnreadStart(now.id)
    },
    { immediate: true },
  )
}
