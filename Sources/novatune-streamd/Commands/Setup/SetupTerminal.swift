import Glibc
import OperatorSettings

/// Questions and answers on the terminal of standard input.
struct SetupTerminal {
    static var isThere: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// - Returns: nil where the input ends.
    func ask(_ question: SetupQuestion, former: String?) -> String? {
        let shown = former.map { question.isSecret ? "as before" : $0 } ?? question.fallback
        while true {
            write("\(question.text)\(shown.map { " [\($0)]" } ?? ""): ")
            guard let line = question.isSecret ? readSecret() : readLine() else { return nil }
            let text = String(line[...].trimmed)
            if question.isOptional, text == "none" { return "" }
            if !text.isEmpty { return text }
            if let kept = former ?? question.fallback { return kept }
            if question.isOptional { return "" }
            write("It is needed. Ctrl-C ends setup; nothing has been changed.\n")
        }
    }

    func confirm(_ text: String) -> Bool {
        write("\(text) [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    /// The terminal shows nothing of it. Its signals are off meanwhile, so that it is never left that way.
    private func readSecret() -> String? {
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return readLine() }
        let former = settings
        settings.c_lflag &= ~tcflag_t(ECHO | ISIG)
        guard unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) == 0 else { return nil }
        defer {
            var former = former
            unsafe _ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            write("\n")
        }
        // Ctrl-C is a character of the line then.
        guard let line = readLine(), !line.contains("\u{3}") else { return nil }
        return line
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
