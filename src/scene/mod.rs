//! Layout and motion.
