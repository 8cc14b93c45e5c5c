/** `import 'raybox/overlay/react'` defines the element and tells TypeScript of it in React's JSX. React 19 sets its properties. */
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
