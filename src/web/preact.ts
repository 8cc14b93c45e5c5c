/** `import 'raybox/overlay/preact'` defines the element, and its type in Preact's JSX. */
import type { RayboxOverlayProps } from './jsx.js';
import './overlay_element.js';
import type { RayboxOverlay } from './overlay_element.js';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'raybox-overlay': import('preact').HTMLAttributes<RayboxOverlay> & RayboxOverlayProps;
    }
  }
}
