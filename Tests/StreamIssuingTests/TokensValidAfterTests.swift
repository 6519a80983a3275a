import StreamIssuing
import TestSupport
import Testing

/// A token issued before the user's `tokens_valid_after` is refused (contract, check 5).
@Suite struct TokensValidAfterTests {
    struct Case: Sendable {
        /// Seconds; nil where the token has no `iat`.
        let issuedAt: Int64?
        /// Microseconds.
        let validAfter: Int64
        let isCurrent: Bool

        init(_ issuedAt: Int64?, _ validAfter: Int64, _ isCurrent: Bool) {
            self.issuedAt = issuedAt
            self.validAfter = validAfter
            self.isCurrent = isCurrent
        }
    }

    private static let second = Facts.now * 1_000_000

    @Test(arguments: [
        Row("-infinity takes every token", Case(Facts.now, .min, true)),
        Row("-infinity takes a token without iat", Case(nil, .min, true)),
        Row("-infinity takes the oldest token", Case(.min, .min, true)),
        Row("infinity takes none", Case(Facts.now, .max, false)),
        Row("infinity takes none without iat", Case(nil, .max, false)),
        Row("infinity takes not even the youngest", Case(.max, .max, false)),
        Row("a logout takes no token without iat", Case(nil, 0, false)),
        Row("exactly then", Case(Facts.now, second, true)),
        Row("a microsecond later", Case(Facts.now, second + 1, false)),
        Row("a microsecond earlier", Case(Facts.now, second - 1, true)),
        Row("a second before", Case(Facts.now - 1, second, false)),
        Row("a second after", Case(Facts.now + 1, second + 1, true)),
        Row("just above -infinity", Case(0, .min + 1, true)),
        Row("just below infinity", Case(Facts.now, .max - 1, false)),
        Row("iat at the epoch", Case(0, 0, true)), Row("iat before the epoch", Case(-1, 0, false)),
        Row("iat whose microseconds overflow", Case(.max, 0, false)),
        Row("iat whose microseconds underflow", Case(.min, 0, false)),
        Row("iat that just fits", Case(9_223_372_036_854, 0, true)),
        Row("iat that just does not fit", Case(9_223_372_036_855, 0, false)),
    ])
    func tokenIsCurrent(_ row: Row<Case>) {
        let facts = Facts.facts(user: Facts.user(validAfterMicroseconds: row.value.validAfter))
        let result = Result { () throws(Problem) in
            try AccessDecision.decide(for: Facts.listener(issuedAt: row.value.issuedAt), facts)
        }
        switch result {
        case .success: #expect(row.value.isCurrent)
        case .failure(let problem): #expect(!row.value.isCurrent && problem == .unauthorized(.sessionEnded))
        }
    }
}
