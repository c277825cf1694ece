/** How the page on the screen was reached: loaded by the browser, or by a link within the panel. */

export const arrival = { byLink: false }
