// An item of a map: a vec4 group of an nhwc4 pixel or, with DENSE, a scalar.
#if DENSE
alias item = elem;
alias wide = f32;
#else
alias item = vec4<elem>;
alias wide = vec4f;
#endif
