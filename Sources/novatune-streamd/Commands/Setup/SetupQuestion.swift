import Glibc

/// A setting that is asked for on a terminal.
struct SetupQuestion: Equatable {
    let name: String
    let text: String
    var isSecret = false
    var isOptional = false
    /// What an empty line stands for, where there is no former value.
    var fallback: String?
    /// Not asked where this setting has a value.
    var unless: String?
    /// Asked only where this setting has a value.
    var onlyWith: String?

    init(
        _ name: String, _ text: String, isSecret: Bool = false, isOptional: Bool = false, fallback: String? = nil,
        unless: String? = nil, onlyWith: String? = nil
    ) {
        self.name = name
        self.text = text
        self.isSecret = isSecret
        self.isOptional = isOptional
        self.fallback = fallback
        self.unless = unless
        self.onlyWith = onlyWith
    }

    /// PostgreSQL of this machine, as Debian's package sets it up.
    static var localDatabase: String? {
        unsafe access("/var/run/postgresql/.s.PGSQL.5432", F_OK) == 0 ? "postgresql:///novatune" : nil
    }

    func isAsked(_ answers: SetupAnswers) -> Bool {
        if let unless, answers.has(unless) { return false }
        if let onlyWith, !answers.has(onlyWith) { return false }
        return true
    }
}
