/** Where the panel starts. */

import { CSPProvider } from '@base-ui/react/csp-provider'
import { Tooltip } from '@base-ui/react/tooltip'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { router } from './app/router'
import { SessionProvider } from './app/session'

import './styles.css'

const root = document.getElementById('root')
if (!root) throw new Error('the page has no place for the panel')

createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <Tooltip.Provider delay={200}>
        <SessionProvider>
          <RouterProvider router={router} />
        </SessionProvider>
      </Tooltip.Provider>
    </CSPProvider>
  </StrictMode>,
)
