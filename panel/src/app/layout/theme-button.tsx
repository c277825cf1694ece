/** Changes between light and dark. */

import { Moon, Sun } from 'lucide-react'

import { Button } from '~/parts/button'

import { chooseTheme, useTheme } from '../theme/theme'

export function ThemeButton() {
  const dark = useTheme() === 'dark'
  return (
    <Button
      kind="quiet"
      className="size-9!"
      size="icon"
      aria-label={dark ? 'Use the light theme' : 'Use the dark theme'}
      icon={dark ? <Sun size={18} aria-hidden /> : <Moon size={18} aria-hidden />}
      onClick={() => chooseTheme(dark ? 'light' : 'dark')}
    />
  )
}
