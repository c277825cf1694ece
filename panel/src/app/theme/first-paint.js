// Sets the theme before the first paint: what was chosen, else what the system has.
;(function () {
  var chosen
  try {
    chosen = localStorage.getItem('theme')
  } catch {
    // Storage is forbidden: the system decides.
  }
  if (chosen !== 'light' && chosen !== 'dark') {
    chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  document.documentElement.dataset.theme = chosen
})()
