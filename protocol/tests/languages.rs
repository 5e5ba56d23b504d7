//! What each line of a resolution is, in the six official languages of the United Nations: in ITU's style, and in that
//! of the General Assembly. The resolutions are invented.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use automerge::{ActorId, Automerge, TextEncoding};
use codraft_protocol::resolution::text_form::{parse, write};
use codraft_protocol::resolution::{SAMPLE, edit};
use codraft_protocol::time::Timestamp;

/// (level, kind, part, line).
type Table = [(u8, &'static str, &'static str, &'static str)];

/// The lines are recognised so, and come back byte for byte, also from a document.
fn expect(table: &Table) {
    let text: String = table.iter().map(|(.., line)| format!("{line}\n")).collect();
    let (layout, lines) = parse(text.as_bytes()).unwrap();
    assert_eq!(lines.len(), table.len());
    for (line, (level, kind, part, words)) in lines.iter().zip(table) {
        assert_eq!((line.level, line.kind, line.part), (*level, *kind, *part), "{words:?}");
        assert_eq!(line.whole(), *words);
    }
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
    let again = edit::lines(&doc).unwrap();
    let again = again.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
    assert_eq!(write(&layout, again), text);
}

/// None of the lines opens a part or heads one, where it stands behind `above`.
fn no_heading(above: &str, part: &str, lines: &[&str]) {
    for line in lines {
        let text = format!("{above}\n{line}\n");
        let parsed = parse(text.as_bytes()).unwrap().1;
        let last = parsed.last().unwrap();
        assert_ne!(last.kind, "heading", "{line:?}");
        assert_eq!(last.part, part, "{line:?}");
    }
}

#[test]
fn english_of_itu() {
    let kinds: String = parse(SAMPLE.as_bytes())
        .unwrap()
        .1
        .iter()
        .map(|line| format!("{}{}{} ", &line.part[..1], &line.kind[..1], line.level))
        .collect();
    // Part, kind and level of each line of the sample, by their first letters.
    assert_eq!(
        kinds,
        "od0 ot0 of0 ph0 pp1 pp1 pp1 pp1 ph0 pp1 pp1 pp1 pp3 pp3 pp3 pp1 pb0 ph0 pp0 oh0 op1 op1 op1 op2 op2 op1 \
         oh0 op1 op1 op1 op2 op2 op2 op1 oh0 op0 oh0 op1 op1 ob0 ah0 ah0 ap1 ap1 ap1 ar0 "
    );
}

#[test]
fn french_of_itu() {
    expect(&[
        (0, "designation", "opening", "RÉSOLUTION 1501 (Genève, 2024)"),
        (0, "title", "opening", "Télécommunications d’urgence accessibles aux communautés côtières"),
        (0, "formula", "opening", "Le Conseil de l’Union internationale des télécommunications,"),
        (0, "heading", "preambular", "rappelant"),
        (1, "paragraph", "preambular", "a)\tla Résolution 36 (Rév. Genève, 2020);"),
        (1, "paragraph", "preambular", "b)\tles rapports du Secrétaire général,"),
        (0, "heading", "preambular", "ayant à l’esprit"),
        (0, "paragraph", "preambular", "que les tempêtes ont coupé plus de quarante communautés,"),
        (0, "blank", "preambular", ""),
        (0, "heading", "preambular", "reconnaissant en outre"),
        (1, "paragraph", "preambular", "a)\tqu’une alerte que nul n’entend ne protège personne,"),
        (0, "heading", "operative", "décide"),
        (1, "paragraph", "operative", "1\tde poursuivre les travaux du Groupe;"),
        (2, "paragraph", "operative", "a)\tavec le mandat de l’Annexe;"),
        (1, "paragraph", "operative", "2\tde faire le point chaque année,"),
        (0, "heading", "operative", "décide de charger le Secrétaire général"),
        (0, "paragraph", "operative", "de tenir un inventaire,"),
        (0, "heading", "operative", "charge les Directeurs des Bureaux"),
        (1, "paragraph", "operative", "1\td’apporter leur concours,"),
        (0, "heading", "operative", "invite les États Membres et les Membres de Secteur"),
        (1, "paragraph", "operative", "1\tà participer aux exercices."),
        (0, "heading", "annex", "ANNEXE 1"),
        (0, "heading", "annex", "Mandat du Groupe de travail"),
        (1, "paragraph", "annex", "a)\trecueillir les expériences;"),
        (0, "rule", "annex", "_______________"),
    ]);
}

#[test]
fn french_of_the_united_nations() {
    expect(&[
        (0, "designation", "opening", "79/301. Alerte sur les côtes"),
        (0, "formula", "opening", "L’Assemblée générale,"),
        (
            0,
            "paragraph",
            "preambular",
            "Rappelant sa résolution 70/1 du 25 septembre 2015, intitulée « Transformer »,",
        ),
        (0, "paragraph", "preambular", "Consciente que les petites îles sont les premières touchées,"),
        (
            0,
            "paragraph",
            "preambular",
            "Profondément préoccupée par la multiplication des tempêtes sur les côtes,",
        ),
        (
            0,
            "paragraph",
            "preambular",
            "Se félicitant des travaux de la Commission sur les systèmes d’alerte,",
        ),
        (1, "paragraph", "operative", "1. Prend note du rapport du Secrétaire général ;"),
        (1, "paragraph", "operative", "2. Se félicite des progrès accomplis ;"),
        (1, "paragraph", "operative", "3. Prie instamment les États :"),
        (2, "paragraph", "operative", "a) De partager leurs données ;"),
        (1, "paragraph", "operative", "4. Décide de rester saisie de la question."),
    ]);
}

#[test]
fn spanish_of_itu() {
    expect(&[
        (0, "designation", "opening", "RESOLUCIÓN 1501 (Ginebra, 2024)"),
        (0, "title", "opening", "Telecomunicaciones de emergencia accesibles en las costas"),
        (
            0,
            "formula",
            "opening",
            "La Conferencia de Plenipotenciarios de la Unión Internacional de Telecomunicaciones (Bucarest, 2022),",
        ),
        (0, "heading", "preambular", "recordando"),
        (1, "paragraph", "preambular", "a)\tla Resolución 36 (Rev. Ginebra, 2020);"),
        (1, "paragraph", "preambular", "b)\tlos informes del Secretario General,"),
        (0, "heading", "preambular", "teniendo en cuenta además"),
        (0, "paragraph", "preambular", "que las tormentas han aislado a más de cuarenta comunidades,"),
        (0, "heading", "preambular", "observando con preocupación"),
        (1, "paragraph", "preambular", "a)\tque muchas administraciones comparten un solo técnico,"),
        (0, "heading", "operative", "resuelve"),
        (1, "paragraph", "operative", "1\tcontinuar los trabajos del Grupo;"),
        (2, "paragraph", "operative", "i)\tcon el mandato del Anexo;"),
        (0, "heading", "operative", "encarga al Secretario General"),
        (1, "paragraph", "operative", "1\tque mantenga un inventario,"),
        (0, "heading", "operative", "pide a los Directores de las Oficinas"),
        (0, "paragraph", "operative", "que presten asistencia,"),
        (0, "heading", "operative", "invita a los Estados Miembros"),
        (1, "paragraph", "operative", "1\ta participar en los ejercicios."),
        (0, "heading", "annex", "ANEXO"),
        (0, "heading", "annex", "Mandato del Grupo de Trabajo"),
        (1, "paragraph", "annex", "a)\treunir experiencias;"),
    ]);
}

#[test]
fn spanish_of_the_united_nations() {
    expect(&[
        (0, "designation", "opening", "79/301. Alerta en las costas"),
        (0, "formula", "opening", "La Asamblea General,"),
        (0, "paragraph", "preambular", "Recordando su resolución 70/1, de 25 de septiembre de 2015,"),
        (0, "paragraph", "preambular", "Profundamente preocupada por el aumento de las tormentas,"),
        (0, "paragraph", "preambular", "Acogiendo con beneplácito los trabajos de la Comisión,"),
        (1, "paragraph", "operative", "1. Toma nota con reconocimiento del informe del Secretario General;"),
        (1, "paragraph", "operative", "2. Exhorta a los Estados Miembros a que compartan sus datos;"),
        (1, "paragraph", "operative", "3. Pone de relieve la función de las comunidades;"),
        (1, "paragraph", "operative", "4. Decide seguir ocupándose de la cuestión."),
    ]);
}

#[test]
fn russian_of_itu() {
    expect(&[
        (0, "designation", "opening", "РЕЗОЛЮЦИЯ 1501 (Женева, 2024 г.)"),
        (0, "title", "opening", "Доступная электросвязь в чрезвычайных ситуациях на побережье"),
        (0, "formula", "opening", "Совет,"),
        (0, "heading", "preambular", "напоминая"),
        // The first letter is Cyrillic, the second Latin: so they are written.
        (1, "paragraph", "preambular", "а)\tРезолюцию 36 (Пересм. Женева, 2020 г.);"),
        (1, "paragraph", "preambular", "b)\tотчёты Генерального секретаря,"),
        (0, "heading", "preambular", "принимая во внимание"),
        (0, "paragraph", "preambular", "что штормы отрезали от связи более сорока общин,"),
        (0, "heading", "preambular", "подчёркивая далее,"),
        (1, "paragraph", "preambular", "а)\tчто предупреждение, которого не слышно, никого не защитит,"),
        (0, "heading", "operative", "решает"),
        (1, "paragraph", "operative", "1\tпродолжить работу Группы;"),
        (2, "paragraph", "operative", "б)\tс кругом ведения, указанным в Приложении;"),
        (0, "heading", "operative", "поручает Генеральному секретарю"),
        (1, "paragraph", "operative", "1\tвести перечень,"),
        (0, "heading", "operative", "настоятельно призывает Директоров Бюро"),
        (0, "paragraph", "operative", "оказывать помощь,"),
        (0, "heading", "operative", "предлагает Государствам-Членам"),
        (1, "paragraph", "operative", "1\tучаствовать в учениях."),
        (0, "heading", "annex", "ПРИЛОЖЕНИЕ 1"),
        (0, "heading", "annex", "Круг ведения Рабочей группы"),
        (1, "paragraph", "annex", "а)\tобобщать опыт;"),
    ]);
}

#[test]
fn russian_of_the_united_nations() {
    expect(&[
        (0, "designation", "opening", "79/301. Предупреждение на побережье"),
        (0, "formula", "opening", "Генеральная Ассамблея,"),
        (0, "paragraph", "preambular", "ссылаясь на свою резолюцию 70/1 от 25 сентября 2015 года,"),
        (0, "paragraph", "preambular", "вновь подтверждая цели и принципы Устава Организации,"),
        (0, "paragraph", "preambular", "с глубокой озабоченностью отмечая рост числа штормов,"),
        (1, "paragraph", "operative", "1. с удовлетворением отмечает доклад Генерального секретаря;"),
        (1, "paragraph", "operative", "2. просит государства обмениваться данными;"),
        (1, "paragraph", "operative", "3. постановляет продолжить рассмотрение этого вопроса."),
    ]);
}

#[test]
fn arabic_of_itu() {
    expect(&[
        (0, "designation", "opening", "القرار 1501 (جنيف، 2024)"),
        (0, "title", "opening", "اتصالات الطوارئ الميسرة للمجتمعات الساحلية"),
        (0, "formula", "opening", "إن مجلس الاتحاد الدولي للاتصالات،"),
        (0, "heading", "preambular", "إذ يذكّر"),
        (1, "paragraph", "preambular", " أ )\tبالقرار 36 (المراجَع في جنيف، 2020)؛"),
        (1, "paragraph", "preambular", "ب)\tبتقارير الأمين العام،"),
        (0, "heading", "preambular", "وإذ يضع في اعتباره أيضاً"),
        (0, "paragraph", "preambular", "أن العواصف عزلت أكثر من أربعين مجتمعاً،"),
        (0, "heading", "preambular", "وإذ يلاحـظ"),
        (1, "paragraph", "preambular", "أ )\tأن إنذاراً لا يُسمع لا يحمي أحداً،"),
        (0, "heading", "operative", "يقـرر"),
        (1, "paragraph", "operative", "1\tمواصلة أعمال الفريق؛"),
        (2, "paragraph", "operative", "أ )\tبالاختصاصات الواردة في الملحق؛"),
        (1, "paragraph", "operative", "٢\tاستعراض التقدم كل سنة،"),
        (0, "heading", "operative", "يكلّف الأمين العام"),
        (1, "paragraph", "operative", "1\tبإعداد قائمة،"),
        (0, "heading", "operative", "يطلب من مديري المكاتب"),
        (0, "paragraph", "operative", "تقديم المساعدة،"),
        (0, "heading", "operative", "يدعو الدول الأعضاء"),
        (1, "paragraph", "operative", "1\tإلى المشاركة في التمارين."),
        (0, "heading", "annex", "الملحق 1"),
        (0, "heading", "annex", "اختصاصات فريق العمل"),
        (1, "paragraph", "annex", "أ )\tجمع الخبرات؛"),
    ]);
}

#[test]
fn arabic_of_the_united_nations() {
    expect(&[
        (0, "designation", "opening", "79/301 - الإنذار على السواحل"),
        (0, "formula", "opening", "إن الجمعية العامة،"),
        (0, "paragraph", "preambular", "إذ تشير إلى قرارها 70/1 المؤرخ 25 أيلول/سبتمبر 2015،"),
        (0, "paragraph", "preambular", "وإذ يساورها بالغ القلق إزاء تزايد العواصف على السواحل،"),
        (0, "paragraph", "preambular", "وقد نظرت في تقرير اللجنة المعنية بالإنذار المبكر،"),
        (0, "paragraph", "preambular", "واقتناعاً منها بأن الإنذار الذي لا يُسمع لا يحمي أحداً،"),
        (1, "paragraph", "operative", "1 - ترحب بتقرير الأمين العام؛"),
        (1, "paragraph", "operative", "2 - تحث الدول على ما يلي:"),
        (2, "paragraph", "operative", "(أ) تبادل البيانات؛"),
        (1, "paragraph", "operative", "3 - تقرر أن تبقي المسألة قيد نظرها."),
    ]);
}

#[test]
fn chinese_of_itu() {
    expect(&[
        (0, "designation", "opening", "第1501号决议（2024年，日内瓦）"),
        (0, "title", "opening", "沿海社区无障碍应急电信"),
        (0, "formula", "opening", "国际电联理事会，"),
        (0, "heading", "preambular", "忆及"),
        (1, "paragraph", "preambular", "a)\t第36号决议（2020年，日内瓦，修订版）；"),
        (1, "paragraph", "preambular", "b)\t秘书长的各项报告，"),
        (0, "heading", "preambular", "进一步认识到"),
        (0, "paragraph", "preambular", "风暴已使四十多个社区与外界隔绝，"),
        (0, "heading", "preambular", "注意到，"),
        (1, "paragraph", "preambular", "（a）\t听不到的预警无法保护任何人，"),
        (0, "heading", "operative", "做出决议"),
        (1, "paragraph", "operative", "1\t继续工作组的工作；"),
        (2, "paragraph", "operative", "a)\t其职责范围见附件；"),
        (0, "heading", "operative", "责成秘书长"),
        (1, "paragraph", "operative", "1\t建立一份清单，"),
        (0, "heading", "operative", "责成电信发展局主任与其他两局主任协作"),
        (0, "paragraph", "operative", "在现有资源范围内提供帮助，"),
        (0, "heading", "operative", "请成员国和部门成员"),
        (1, "paragraph", "operative", "1\t参加演习。"),
        (0, "heading", "annex", "附件1"),
        (0, "heading", "annex", "工作组的职责范围"),
        (1, "paragraph", "annex", "a)\t收集经验；"),
    ]);
}

#[test]
fn chinese_of_the_united_nations() {
    expect(&[
        (0, "designation", "opening", "79/301. 沿海预警"),
        (0, "formula", "opening", "大会，"),
        (0, "paragraph", "preambular", "回顾其2015年9月25日第70/1号决议，"),
        (0, "paragraph", "preambular", "又重申《联合国宪章》的宗旨和原则，"),
        (0, "paragraph", "preambular", "深为关切沿海风暴日益增多，"),
        (1, "paragraph", "operative", "1. 赞赏地注意到秘书长的报告；"),
        (1, "paragraph", "operative", "2. 敦促各国："),
        (2, "paragraph", "operative", "(a) 分享数据；"),
        (1, "paragraph", "operative", "3. 决定继续处理此案。"),
    ]);
}

#[test]
fn ordinary_lines_head_nothing() {
    let french = "Résolution 1";
    no_heading(
        french,
        "opening",
        &["Note du Secrétaire général", "Charge de travail des Bureaux", "Demande d’admission des Membres"],
    );
    let french = "Le Conseil,\nrappelant\na)\tla Résolution 36;";
    no_heading(
        french,
        "preambular",
        &["et invite les États Membres :", "décisions du Conseil", "les Annexes"],
    );
    let spanish = "El Consejo,\nrecordando\na)\tla Resolución 36;";
    no_heading(
        spanish,
        "preambular",
        &["e invita a los Estados Miembros:", "resuelto el asunto", "los Anexos"],
    );
    let russian = "Совет,\nнапоминая\nа)\tРезолюцию 36;";
    no_heading(
        russian,
        "preambular",
        &["решающее значение", "предлагает Членам:", "также", "Приложения к ней"],
    );
    let arabic = "إن المجلس،\nإذ يذكّر\nب)\tبالقرار 36؛";
    no_heading(
        arabic,
        "preambular",
        &["إذا لزم الأمر", "قرار المجلس", "يدعو الدول:", "توافق الآراء", "ملحقات"],
    );
}

/// In Chinese a verb looks the same wherever it stands, and may be the beginning of another word.
#[test]
fn ordinary_chinese_lines_head_nothing() {
    no_heading("第1号决议", "opening", &["回顾和展望", "决定草案汇编", "请求援助", "重申承诺的宣言"]);
    let preamble = "理事会，\n忆及\na)\t第36号决议；";
    no_heading(preamble, "preambular", &["请求援助的国家", "建议书", "要求", "请注意", "附件载有", "决定："]);
    // Right under its heading it is the paragraph.
    no_heading("理事会，\n做出决议\n", "operative", &["敦促成员国加快国内程序"]);
    no_heading("理事会，\n注意到\n", "preambular", &["决定权属于成员国", "请成员国提供的资料，"]);
    let annex = "理事会，\n做出决议\n1\t设立工作组。\n附件\n职责范围\na)\t收集经验；";
    no_heading(annex, "annex", &["请成员国提供资料", "决定工作方法", "鼓励参与", "回顾以往的工作，"]);
}

/// A few words of another language leave a document what it is.
#[test]
fn a_document_has_one_language() {
    expect(&[
        (0, "designation", "opening", "Resolution 1"),
        (0, "title", "opening", "Names of the Union: Le Conseil, 理事会, Совет"),
        (0, "formula", "opening", "The Council,"),
        (0, "heading", "preambular", "recalling"),
        (0, "paragraph", "preambular", "décide"),
        (0, "continuation", "preambular", "责成秘书长"),
        (0, "heading", "operative", "resolves"),
        (1, "paragraph", "operative", "1\tto translate the text."),
        (0, "continuation", "operative", "ANNEXE"),
    ]);
}

/// Who adds a translation that is longer than the rest does not turn the others' headings into lines.
#[test]
fn a_document_keeps_its_language() {
    let text = "Resolution 1\nOn warnings\nThe Council,\nresolves\n1\tto warn all;\n";
    let (layout, lines) = parse(text.as_bytes()).unwrap();
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
    let chinese = "2\t在所有沿海国家和岛屿国家向所有人发出早期预警，并在紧急情况下使用无障碍电信服务，使任何人都不会被遗漏；\n";
    let text = text.replace("resolves", "resolves further")
        + &chinese.repeat(3)
        + "instructs the Secretary-General\n";
    let wanted = parse(text.as_bytes()).unwrap().1;
    assert_eq!(wanted.last().unwrap().kind, "continuation", "by itself it is a Chinese text");
    let code = "CAN".parse().unwrap();
    edit::begin_session(&mut doc, ActorId::from([7; 16]), &code);
    edit::apply_text(&mut doc, &code, &wanted, Timestamp(1)).unwrap();
    let lines = edit::lines(&doc).unwrap();
    let heading = |words: &str| {
        let line = lines.iter().find(|line| line.text == words).unwrap();
        (line.kind.as_str(), line.part.as_str())
    };
    assert_eq!(heading("resolves further"), ("heading", "operative"));
    assert_eq!(heading("instructs the Secretary-General"), ("heading", "operative"));
}
