/** So that types can be checked where the package is not installed. */
declare module 'onnxruntime-web/wasm';
