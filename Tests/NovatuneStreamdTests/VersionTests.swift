import Foundation
@testable import novatune_streamd
import Testing

@Suite struct VersionTests {
    @Test func versionNamesTheCommit() {
        #expect(Version.text(commit: "33e7317") == "\(Version.release) (33e7317)")
        #expect(
            Version.text(commit: "33e7317 with uncommitted changes")
                == "\(Version.release) (33e7317 with uncommitted changes)")
    }

    @Test func versionWithoutACommitIsTheRelease() {
        #expect(Version.text(commit: nil) == Version.release)
    }

    @Test func buildWithoutTheScriptNamesNoCommit() {
        #expect(Version.commit == nil)
        #expect(Version.text() == Version.release)
    }

    @Test func lastTagOfTheDatabaseIsTheRelease() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let plan = try String(contentsOf: root.appending(path: "sql/sqitch.plan"), encoding: .utf8)
        let tags = plan.split(separator: "\n").filter { $0.hasPrefix("@") }
        #expect(tags.last?.hasPrefix("@v\(Version.release) ") == true)
    }
}
