"""Sentences as customers write them, in the languages and legacy encodings they come in. The tests read them back."""

from __future__ import annotations

_WEST = ("cp1252", "iso8859-15", "cp850", "mac_roman")
_CENTRAL = ("cp1250", "iso8859-2", "cp852")

# language -> (encodings, a short text, a long one)
TEXTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "German": (
        _WEST,
        "Größe nicht verfügbar",
        "Guten Tag, die bestellten Schuhe sind zu klein. Können Sie mir die größere Ausführung schicken? "
        "Ich wäre Ihnen sehr verbunden. Mit freundlichen Grüßen, Jörg Schäfer",
    ),
    "French": (
        _WEST,
        "Colis abîmé à la réception",
        "Bonjour, j'ai reçu ma commande hier, mais deux articles étaient cassés. Où puis-je les renvoyer ? "
        "Je préfère être remboursé plutôt que d'attendre un échange. Merci d'avance pour votre réponse.",
    ),
    "Spanish": (
        _WEST,
        "El envío llegó dañado",
        "Buenos días: el paquete llegó mañana y tarde sin aviso. ¿Podrían devolverme el dinero a la misma cuenta? "
        "También necesito la factura con mi razón social. Un saludo, Íñigo Peña",
    ),
    "Portuguese": (
        _WEST,
        "A encomenda não chegou",
        "Bom dia, a minha encomenda ainda não chegou e já passaram três semanas. Peço a devolução do valor pago, "
        "pois as informações do transportador são contraditórias. Muito obrigado pela atenção.",
    ),
    "Italian": (
        _WEST,
        "La città non è giusta",
        "Buongiorno, l'indirizzo di consegna è sbagliato: la città è giusta, ma il numero civico no. "
        "Perché non posso più modificarlo? Spero che si possa fare così, grazie.",
    ),
    "Dutch": (
        ("cp1252", "cp850"),
        "Eén stuk ontbreekt",
        "Beste klantenservice, in de doos zat maar één van de twee lampen. De financiële afhandeling kan wachten, "
        "maar de reünie is zaterdag. Kunt u de andere vóór die tijd sturen?",
    ),
    "Swedish": (
        _WEST,
        "Räkningen är för hög",
        "Hej! Räkningen för april är för hög, jag har bara använt tjänsten två dagar. Kan ni ändra beloppet och "
        "skicka en ny? Jag når er inte på telefon. Vänliga hälsningar, Åsa",
    ),
    "Danish": (
        ("cp1252", "cp850"),
        "Pakken er væk",
        "Kære kundeservice, pakken er væk, og jeg kan ikke få svar på, hvor den er. Jeg ønsker pengene tilbage så "
        "hurtigt som muligt. Venlig hilsen Søren Ågård",
    ),
    "Norwegian": (
        ("cp1252", "iso8859-15"),
        "Jeg får ikke betalt",
        "Hei, jeg får ikke betalt med kortet mitt, og prøver nå for tredje gang. Er det noe galt på deres side? "
        "Jeg må få dette i orden før helgen. Hilsen Øystein",
    ),
    "Finnish": (
        ("cp1252", "cp850"),
        "Lähetys on myöhässä",
        "Hyvää päivää, tilaamani tuote on myöhässä jo toista viikkoa. Pyydän, että perutte tilauksen ja palautatte "
        "rahat tililleni. Ystävällisin terveisin Päivi",
    ),
    "Icelandic": (
        ("cp1252", "iso8859-15"),
        "Það vantar reikning",
        "Góðan dag, ég fékk pakkann í gær en það vantar reikninginn. Getið þið sent hann aftur? Ég þarf hann fyrir "
        "bókhaldið áður en mánuðurinn er á enda. Með kærri kveðju, Guðrún Þórsdóttir",
    ),
    "Catalan": (
        ("cp1252", "iso8859-15"),
        "L'enviament és incomplet",
        "Bon dia, la comanda que vaig fer dilluns no és completa: hi falten dues peces. Què he de fer perquè me les "
        "enviïn? També voldria saber si això té algun cost. Gràcies.",
    ),
    "Estonian": (
        ("cp1257", "cp1252"),
        "Arve on väärale nimele",
        "Tere, minu arve on väärale nimele ja summa on liiga kõrge. Palun saatke mulle uus arve, muidu ei saa ma "
        "maksta. Ülejäänud tellimus jõudis õigel ajal kohale. Tänan!",
    ),
    "Polish": (
        _CENTRAL,
        "Paczka przyszła uszkodzona, proszę o zwrot pieniędzy",
        "Dzień dobry, zamówienie przyszło niekompletne: brakuje dwóch części, a pudełko jest pęknięte. Chciałbym "
        "otrzymać zwrot pieniędzy albo nową przesyłkę. Gdzie mogę złożyć reklamację? Łukasz Żak",
    ),
    "Czech": (
        _CENTRAL,
        "Zásilka dorazila poškozená",
        "Dobrý večer, objednal jsem u vás před týdnem dvě židle, ale přišla jen jedna a ještě poškrábaná. Můžete mi "
        "prosím poslat náhradní? Účtenku přikládám. Děkuji, Jiří Němeček",
    ),
    "Slovak": (
        _CENTRAL,
        "Balík prišiel poškodený",
        "Dobrý deň, objednávka ešte neprišla, hoci mala byť doručená už vo štvrtok. Žiadam vás o vrátenie peňazí "
        "na účet. Ďakujem za rýchlu odpoveď, Ľubomír Šťastný",
    ),
    "Hungarian": (
        _CENTRAL,
        "A küldő címe hibás, a csomag későn érkezett",
        "Jó napot kívánok! A múlt héten rendelt könyvből rossz példányt küldtek, és az ügyfélszolgálat telefonon nem "
        "elérhető. Kérem, jelezzék, hová küldjem vissza. A költségeket önök fizetik? Üdvözlettel: Győri Ődön",
    ),
    "Slovenian": (
        _CENTRAL,
        "Pošiljka še ni prišla",
        "Pozdravljeni, naročil sem že prejšnji teden, a pošiljka še vedno ni prišla. Prosim, da preverite, kje je, "
        "in mi sporočite številko. Hvala in lep pozdrav, Žiga",
    ),
    "Croatian": (
        _CENTRAL,
        "Račun je pogrešan, molim povrat",
        "Poštovani, račun koji ste mi poslali nije točan: naplaćeno je više nego što je dogovoreno. Molim vas da ga "
        "ispravite i javite mi kad će novac biti vraćen. Srdačan pozdrav, Đurđica Čačić",
    ),
    "Romanian": (
        ("cp1250", "iso8859-2"),
        "Coletul a ajuns deteriorat şi fără factură",
        "Bună ziua, am primit comanda, dar lipseşte factura, iar cutia era ruptă. Vă rog să îmi trimiteţi banii "
        "înapoi sau un produs nou în această săptămână. Mulţumesc anticipat, Ştefan",
    ),
    "Turkish": (
        ("cp1254", "iso8859-9", "cp857"),
        "Ürün kırık çıktı, iade istiyorum",
        "İyi günler, geçen hafta sipariş ettiğim ürün hâlâ gelmedi. Kargo takip numarası da çalışmıyor. Lütfen "
        "siparişi iptal edip ödediğim tutarı kartıma geri yükleyin. Teşekkürler, Çağrı Şahin",
    ),
    "Lithuanian": (
        ("cp1257", "iso8859-13"),
        "Siunta dar negauta, prašau grąžinti pinigus",
        "Laba diena, užsakytos prekės dar negavau, nors praėjo jau dvi savaitės. Prašau patikrinti, kur yra siunta, "
        "ir pranešti man. Jei jos nėra, grąžinkite pinigus į sąskaitą. Ačiū",
    ),
    "Latvian": (
        ("cp1257", "iso8859-13"),
        "Sūtījums nav saņemts",
        "Labdien, mans pasūtījums vēl nav saņemts, lai gan ir pagājušas divas nedēļas. Lūdzu, pārbaudiet, kur tas "
        "atrodas, un atmaksājiet naudu, ja preces vairs nav pieejamas. Ar cieņu Jānis",
    ),
    "Russian": (
        ("cp1251", "koi8-r", "cp866", "iso8859-5"),
        "Товар не пришёл",
        "Добрый день, я заказывал товар две недели назад, но он до сих пор не доставлен. Прошу проверить заказ и "
        "вернуть деньги на карту, если его нет на складе. Заранее благодарю за ответ.",
    ),
    "Ukrainian": (
        ("cp1251", "koi8-u", "iso8859-5"),
        "Посилка ще не надійшла",
        "Добрий день, я замовляв товар два тижні тому, але він досі не прийшов. Прошу перевірити замовлення й "
        "повернути гроші на мою картку, якщо його немає. Дякую за відповідь, Їжаковський Євген",
    ),
    "Bulgarian": (
        ("cp1251", "iso8859-5"),
        "Пратката пристигна повредена",
        "Здравейте, поръчката ми пристигна повредена и без фактура. Моля да ми върнете парите или да изпратите нов "
        "продукт тази седмица. Благодаря предварително за бързия отговор.",
    ),
    "Serbian": (
        ("cp1251", "iso8859-5"),
        "Пошиљка није стигла",
        "Поштовани, пошиљка коју сам наручио још није стигла, а прошле су већ две недеље. Молим вас да проверите где "
        "је и да ми јавите. Хвала унапред, Ђорђе Њежић",
    ),
    "Greek": (
        ("cp1253", "iso8859-7", "cp737"),
        "Το δέμα δεν ήρθε",
        "Καλημέρα σας, η παραγγελία μου έφτασε κατεστραμμένη και χωρίς τιμολόγιο. Παρακαλώ να μου επιστρέψετε τα "
        "χρήματα ή να στείλετε καινούργιο προϊόν. Ευχαριστώ εκ των προτέρων.",
    ),
    "Hebrew": (
        ("cp1255", "iso8859-8", "cp862"),
        "החבילה לא הגיעה",
        "שלום רב, הזמנתי מוצר לפני שבועיים והוא עדיין לא הגיע. אבקש לבדוק היכן החבילה ולהחזיר לי את הכסף אם היא "
        "אבדה. תודה מראש על התשובה המהירה.",
    ),
    "Arabic": (
        ("cp1256", "iso8859-6"),
        "لم تصل الشحنة بعد",
        "السلام عليكم، طلبت المنتج قبل أسبوعين ولم يصل حتى الآن. أرجو التحقق من مكان الشحنة وإعادة المبلغ إلى حسابي "
        "إذا لم يكن متوفرا. شكرا جزيلا على تعاونكم.",
    ),
    "Thai": (
        ("cp874", "tis-620"),
        "สินค้ายังไม่มาถึง",
        "สวัสดีค่ะ สั่งสินค้าไปเมื่อสองสัปดาห์ก่อนแต่ยังไม่ได้รับ กรุณาตรวจสอบและคืนเงินเข้าบัญชีของฉันด้วย ขอบคุณมากค่ะ",
    ),
    "Vietnamese": (
        ("cp1258",),
        "Tôi chưa nhâ\u0323n đươ\u0323c hàng",
        "Xin chào, tôi đa\u0303 đă\u0323t hàng hai tuâ\u0300n trươ\u0301c nhưng "
        "vâ\u0303n chưa nhâ\u0323n đươ\u0323c. Xin kiê\u0309m tra đơn và hoàn "
        "tiê\u0300n la\u0323i cho tôi. Ca\u0309m ơn nhiê\u0300u.",
    ),
    "Japanese": (
        ("shift_jis", "euc_jp"),
        "荷物がまだ届きません",
        "先週注文した本がまだ届いておりません。発送の状況を確認していただけますでしょうか。"
        "もし在庫がない場合は、キャンセルして代金を返金してください。よろしくお願いいたします。",
    ),
    "Simplified Chinese": (
        ("gbk", "gb18030"),
        "我的订单还没有收到",
        "你好，我两个星期前在你们网站上买的鞋子到现在还没有寄到。请帮我查一下物流信息，如果没有货了就把钱退给我。谢谢！",
    ),
    "Traditional Chinese": (
        ("big5",),
        "我的訂單還沒有收到",
        "您好，我兩個星期前在貴公司網站上購買的鞋子到現在還沒有寄到。請幫我查詢一下物流狀況，如果沒有現貨，請將款項退還給我。謝謝！",
    ),
    "Korean": (
        ("euc_kr", "cp949"),
        "주문한 상품이 아직 안 왔어요",
        "안녕하세요. 지난주에 주문한 책이 아직 도착하지 않았습니다. 배송 상황을 확인해 주시고, "
        "재고가 없으면 주문을 취소하고 환불해 주시기 바랍니다. 감사합니다.",
    ),
}

# English letters with one name in them, as a German or French PC saves them.
NAMES = (
    "Jürgen", "Renée", "Björn", "Köln", "François", "Zoë", "Søren", "Åse",
    "Muñoz", "José", "Göğ".replace("ğ", "ß"), "Hélène", "Märta", "Gonçalves",
)  # fmt: skip
TEMPLATES = (
    "Order 5120\nName: {}\nWanted: a refund of the second payment\n",
    "{} asked when the parcel will arrive",
    "I talked to {} about the wrong invoice, and nothing has happened since.",
    "Hello, the booking of {} must be moved to Friday. Kind regards",
)
