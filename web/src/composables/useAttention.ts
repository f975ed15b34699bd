import { onScopeDispose, ref } from 'vue'

/** Whether somebody can be looking: the page is visible and has the focus. */
export function useAttention() {
  const attentive = ref(look())
  const update = () => (attentive.value = look())
  window.addEventListener('focus', update)
  window.addEventListener('blur', update)
  document.addEventListener('visibilitychange', update)
  onScopeDispose(() => {
    window.removeEventListener('focus', update)
    window.removeEventListener('blur', update)
    document.removeEventListener('visibilitychange', update)
  })
  return attentive
}

function look(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}
