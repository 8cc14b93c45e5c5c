// What a map consists of: vec4 groups of nhwc4 pixels or, with DENSE, scalars.
#if DENSE
alias item = elem;
alias wide = f32;
#else
alias item = vec4<elem>;
alias wide = vec4f;
#endif
