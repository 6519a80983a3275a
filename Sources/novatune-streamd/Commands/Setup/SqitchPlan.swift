import OperatorSettings

/// The changes of a sqitch project, in their order (sqitchchanges(7)).
struct SqitchPlan: Equatable {
    let changes: [String]

    init(_ text: String) {
        changes = text.split(whereSeparator: \.isNewline).compactMap { line in
            let line = line.trimmed
            guard let first = line.first, !"%#@+-".contains(first) else { return nil }
            return String(line.prefix { !$0.isWhitespace })
        }
    }

    static func read(_ directory: String) throws(SetupFailure) -> SqitchPlan {
        guard let text = try SetupFiles.read("\(directory)/sqitch.plan") else {
            throw SetupFailure(
                "there is no \(directory)/sqitch.plan", advice: "name the directory sql/ of a clone with --sql")
        }
        return SqitchPlan(text)
    }
}
