import Foundation
@testable import novatune_streamd
import Testing

/// Documents that are generated from the declarations of the settings. Where one differs, the message has the command
/// that writes it.
@Suite struct GeneratedDocumentsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    @Test func settingsArticleHasTheTableOfTheProgram() throws {
        let article = try text("Sources/novatune-streamd/Documentation.docc/Settings.md")
        let parts = article.components(separatedBy: "<!-- settings: begin -->\n")
        let table = try #require(parts.last).components(separatedBy: "<!-- settings: end -->")
        #expect(parts.count == 2 && table.count == 2)
        #expect(
            table[0].trimmingCharacters(in: .newlines) == SettingsText.markdown(AllSettings.groups),
            "write it again, by the commands of Developing, Add a setting")
    }

    @Test func exampleFileIsThatOfTheProgram() throws {
        #expect(
            try text("nginx/systemd/novatune.env.example") == SettingsText.example(AllSettings.groups) + "\n",
            "novatune-streamd settings --format env > nginx/systemd/novatune.env.example")
    }
}
