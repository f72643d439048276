/** The live controls of chapters; loaded when a reader presses the first button. */

export {}
