/** `import 'raybox/overlay/react'` defines the element, and its type in React's JSX. React 19 or later is needed to set its properties. */
import type { RayboxOverlayProps } from './jsx.js';
import './overlay_element.js';
import type { RayboxOverlay } from './overlay_element.js';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'raybox-overlay': import('react').DetailedHTMLProps<
        import('react').HTMLAttributes<RayboxOverlay>,
        RayboxOverlay
      > &
        RayboxOverlayProps;
    }
  }
}
