import { ref } from 'vue'

export type DialogName = 'new' | 'channels'

const current = ref<DialogName | null>(null)

/** Which dialog of the workspace is open. */
export function useDialogs() {
  return {
    current,
    open: (name: DialogName) => (current.value = name),
    close: () => (current.value = null),
  }
}
